import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { open } from 'lmdb'
import { expect, test } from 'vitest'
import type { StoreError } from '../../../src/main/store/store-error.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { lacks } from '../../support/installed.ts'
import { until } from '../../support/until.ts'
import { busyDisk } from './busy-disk.ts'
import { nodeRecord, noLimits, openNodes, openStore, scratchDirectory, wholeList } from './open-store.ts'

const domain = 'push.example.com'
const writer = new URL('./crash-writer.ts', import.meta.url).pathname
const givenUpWriter = new URL('./given-up-writer.ts', import.meta.url).pathname

test('what a settled promise promised is there after kill -9, all of it and nothing torn', async () => {
  using dir = scratchDirectory()
  for (let round = 0; round < 3; round++) {
    const child = fork(writer, [dir.path, `round${round}`], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const promised: number[] = []
    child.on('message', (count: number) => {
      promised.push(count)
      if (promised.length === 5 + round) child.kill('SIGKILL')
    })
    await once(child, 'exit')
    await using store = await openStore(dir.path)
    const nodes = openNodes(store)
    const last = promised.at(-1) ?? 0
    expect(last).toBeGreaterThan(0)
    for (let i = 0; i < last; i++) expect(nodes.get(domain, `round${round}-${i}`)).toBeDefined()
    const listed = nodes.affiliationsOf(domain, `round${round}@example.com`, wholeList).entries
    for (const { node } of listed) expect(nodes.get(domain, node)).toBeDefined()
  }
})

test('a second daemon on the same directory is refused while the first lives, and let in when it was killed', async () => {
  using dir = scratchDirectory()
  const child = fork(writer, [dir.path, 'held'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(child, 'message')
  await expect(openStore(dir.path)).rejects.toMatchObject({
    name: 'StoreError',
    code: 'locked',
    transient: true,
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await using store = await openStore(dir.path)
  expect(store.fault).toBeUndefined()
})

test('of several that open a directory together at most one gets it, and it is free again after close', async () => {
  using dir = scratchDirectory()
  const results = await Promise.allSettled([1, 2, 3].map(() => openStore(dir.path)))
  const opened = results.filter((result) => result.status === 'fulfilled')
  expect(opened.length).toBeLessThanOrEqual(1)
  for (const { value } of opened) await value.close()
  await using store = await openStore(dir.path)
  expect(store.fault).toBeUndefined()
  expect(readdirSync(dir.path).filter((name) => name.endsWith('.sock'))).toHaveLength(1)
})

test.each([
  ['longer than a socket path may be', 'd'.repeat(150)],
  ['with dots, spaces and umlauts', 'my data.v2/später'],
])('a directory %s is made, locked and worked in', async (_, name) => {
  using dir = scratchDirectory()
  const path = join(dir.path, name)
  await using store = await openStore(path)
  await expect(openStore(path)).rejects.toMatchObject({ code: 'locked' })
  expect(await openNodes(store).create(domain, 'n', nodeRecord('a@b'), { ...noLimits, perOwner: 1 })).toBe(
    'created',
  )
  expect(statSync(path).mode & 0o077, 'nobody else may look in').toBe(0)
  expect(statSync(join(path, 'store.mdb')).mode & 0o077).toBe(0)
})

test.each([
  ['a newer version', ['xmpp-pushd', 3], /format 3.*start the version that wrote it/],
  ['another program', ['something', 1], /not written by xmpp-pushd/],
  ['nobody known', undefined, /not written by xmpp-pushd/],
])('a store of %s is refused and left as it is', async (_, format, text) => {
  using dir = scratchDirectory()
  const file = join(dir.path, 'store.mdb')
  const foreign = open<unknown, string>(file, { noSubdir: true, maxDbs: 4 })
  await foreign.openDB<unknown, string>('things', {}).put('a', 1)
  if (format !== undefined) await foreign.openDB<unknown, string>('about', {}).put('format', format)
  await foreign.close()
  const refused: StoreError = await openStore(dir.path).then(
    () => expect.unreachable(),
    (error) => error,
  )
  expect(refused).toMatchObject({ name: 'StoreError', code: 'version', transient: false })
  expect(refused.message).toMatch(text)
  const again = open<unknown, string>(file, { noSubdir: true, maxDbs: 4 })
  expect(again.openDB<unknown, string>('things', {}).get('a')).toBe(1)
  expect([...again.getKeys()].includes('about')).toBe(format !== undefined)
  await again.close()
})

test('a start that was cut short before the format was written is taken up again', async () => {
  using dir = scratchDirectory()
  const cut = open<unknown, string>(join(dir.path, 'store.mdb'), { noSubdir: true, maxDbs: 4 })
  cut.openDB('about', {})
  await cut.close()
  await using store = await openStore(dir.path)
  expect(await openNodes(store).create(domain, 'n', nodeRecord('a@b'), { ...noLimits, perOwner: 1 })).toBe(
    'created',
  )
})

test('a file that is no store is called corrupt', async () => {
  using dir = scratchDirectory()
  writeFileSync(join(dir.path, 'store.mdb'), 'This is a letter to my aunt. '.repeat(1000))
  await expect(openStore(dir.path)).rejects.toMatchObject({ code: 'corrupt', transient: false })
})

test.each([100, 4096, 8192])('a store that was cut off after %i bytes is called corrupt', async (size) => {
  using dir = scratchDirectory()
  {
    await using store = await openStore(dir.path)
    await openNodes(store).create(domain, 'n', nodeRecord('a@b'), { ...noLimits, perOwner: 1 })
  }
  truncateSync(join(dir.path, 'store.mdb'), size)
  await expect(openStore(dir.path)).rejects.toMatchObject({ code: 'corrupt', transient: false })
})

test('a data directory that cannot be made says why', async () => {
  using dir = scratchDirectory()
  writeFileSync(join(dir.path, 'file'), '')
  await expect(openStore(join(dir.path, 'file', 'data'))).rejects.toMatchObject({
    code: 'permission',
    message: expect.stringContaining(join(dir.path, 'file', 'data')),
  })
})

test('close waits for the writes that were taken and refuses those that come after', async () => {
  using dir = scratchDirectory()
  const store = await openStore(dir.path)
  const nodes = openNodes(store)
  const written = nodes.create(domain, 'n', nodeRecord('a@b'), { ...noLimits, perOwner: 1 })
  const closed = store.close()
  await expect(nodes.remove(domain, 'n')).rejects.toMatchObject({ code: 'closed' })
  await closed
  expect(await written).toBe('created')
  await using again = await openStore(dir.path)
  expect(openNodes(again).get(domain, 'n')).toBeDefined()
})

test('is closed while the disk does not answer, and survives the answer', async () => {
  using dir = scratchDirectory()
  const store = await openStore(dir.path)
  const nodes = openNodes(store)
  const disk = await busyDisk(join(dir.path, 'store.mdb'))
  const written = nodes.create(domain, 'n', nodeRecord('a@b'), { ...noLimits, perOwner: 1 })
  const [refused] = await Promise.allSettled([written, store.close()])
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'io' } })
  await disk.release()
  await until('the disk to be well', () => store.fault === undefined)
})

test('grows as far as need be, in one transaction if need be', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  const record = nodeRecord('a@b', { configuration: { title: 'x'.repeat(3_000) } })
  const before = store.transactions
  const created = Array.from({ length: 5_000 }, (_, i) => nodes.create(domain, `n${i}`, record, noLimits))
  expect(new Set(await Promise.all(created))).toEqual(new Set(['created']))
  expect(store.transactions - before).toBe(1)
  expect(statSync(join(dir.path, 'store.mdb')).size).toBeGreaterThan(15_000_000)
  expect(nodes.get(domain, 'n4999')?.configuration.title).toHaveLength(3_000)
})

test.skipIf(lacks('cc'))('is opened anew when LMDB has given up, with all that was promised', async () => {
  using dir = scratchDirectory()
  using disk = new FaultyDisk()
  const args = [givenUpWriter, dir.path, `meta ${constants.errno.EIO}`]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, ...disk.env },
  })
  expect(JSON.parse(stdout)).toEqual({
    before: 'created',
    during: 'io',
    after: 'created',
    found: [true, false, true],
    counted: 2,
  })
})
