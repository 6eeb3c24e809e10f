import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from 'lmdb'
import { describe, expect, test } from 'vitest'
import { nodeRecord, noLimits, openNodes, openStore, scratchDirectory } from './open-store.ts'

const domain = 'push.example.com'
const writer = new URL('./crash-writer.ts', import.meta.url).pathname

interface Files {
  readonly path: string
  readonly store: string
  readonly marker: string
}

/** A store with one node, closed. */
async function madeStore(path: string): Promise<Files> {
  const environment = await openStore(path)
  await openNodes(environment).create(domain, 'n', nodeRecord('a@b'), noLimits)
  await environment.close()
  return { path, store: join(path, 'store.mdb'), marker: join(path, 'store.json') }
}

async function nodeIsThere(path: string): Promise<boolean> {
  await using environment = await openStore(path)
  return openNodes(environment).get(domain, 'n') !== undefined
}

describe('a marker beside the store says that there is one', () => {
  test('with its id, its format and since when, for the daemon’s user alone, and stays as it is', async () => {
    using dir = scratchDirectory()
    const { path, marker } = await madeStore(dir.path)
    const text = readFileSync(marker, 'utf8')
    expect(JSON.parse(text)).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      format: 2,
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect(statSync(marker).mode & 0o777).toBe(0o600)
    expect(await nodeIsThere(path)).toBe(true)
    expect(readFileSync(marker, 'utf8')).toBe(text)
  })

  test('a store of a version without markers gets one when it is first opened', async () => {
    using dir = scratchDirectory()
    const { path, marker } = await madeStore(dir.path)
    // All that such a version leaves.
    rmSync(marker)
    expect(await nodeIsThere(path)).toBe(true)
    expect(JSON.parse(readFileSync(marker, 'utf8'))).toMatchObject({ format: 2 })
  })

  test.each([
    ['missing', ({ store }: Files) => rmSync(store)],
    ['of no length', ({ store }: Files) => truncateSync(store, 0)],
    [
      'a database with nothing in it',
      async ({ store }: Files) => {
        for (const file of [store, `${store}-lock`]) rmSync(file, { force: true })
        const empty = open(store, { noSubdir: true, maxDbs: 4 })
        await empty.close()
      },
    ],
    [
      'missing, and the marker cannot be read',
      ({ store, marker }: Files) => {
        rmSync(store)
        writeFileSync(marker, '{"id"')
      },
    ],
  ])('a store that is %s beside it is lost: no new one is made', async (_, lose) => {
    using dir = scratchDirectory()
    const files = await madeStore(dir.path)
    await lose(files)
    const before = existsSync(files.store) && statSync(files.store).size
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(openStore(dir.path)).rejects.toMatchObject({
        code: 'lost',
        transient: false,
        message: expect.stringMatching(/restore a backup; or, to start .* delete \S+\/store\.json$/),
      })
    }
    expect(existsSync(files.store) && statSync(files.store).size).toBe(before)
  })

  test('without the marker, deleted as the message says, a new store is made', async () => {
    using dir = scratchDirectory()
    const { path, store, marker } = await madeStore(dir.path)
    rmSync(store)
    rmSync(marker)
    expect(await nodeIsThere(path)).toBe(false)
    expect(existsSync(marker)).toBe(true)
  })

  test.each([
    ['cannot be read', '{"id"'],
    ['is empty', ''],
    ['says something else', '{"id": 5, "format": "x", "since": "never"}'],
  ])('a marker that %s beside a store is written again', async (_, text) => {
    using dir = scratchDirectory()
    const { path, marker } = await madeStore(dir.path)
    writeFileSync(marker, text)
    expect(await nodeIsThere(path)).toBe(true)
    expect(JSON.parse(readFileSync(marker, 'utf8'))).toMatchObject({ format: 2, id: expect.any(String) })
  })
})

describe('a first start that is cut short', () => {
  test.each([
    ['before the store has anything', ({ store, marker }: Files) => [rmSync(marker), truncateSync(store, 0)]],
    ['before the marker', ({ marker }: Files) => [rmSync(marker)]],
    [
      'while the marker is written',
      ({ marker }: Files) => [rmSync(marker), writeFileSync(`${marker}.new`, '{"id')],
    ],
  ])('%s is taken up by the next', async (_, cut) => {
    using dir = scratchDirectory()
    const files = await madeStore(dir.path)
    cut(files)
    await (await openStore(dir.path)).close()
    expect(JSON.parse(readFileSync(files.marker, 'utf8'))).toMatchObject({ format: 2 })
    expect(existsSync(`${files.marker}.new`)).toBe(false)
  })

  test('by kill -9 at any moment leaves what the next start takes', async () => {
    for (let round = 0; round < 12; round++) {
      using dir = scratchDirectory()
      const child = fork(writer, [dir.path, 'first'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      const exited = once(child, 'exit')
      // From when it makes its first file on.
      while (!existsSync(join(dir.path, 'store.mdb-probe')) && !existsSync(join(dir.path, 'store.mdb'))) {
        await sleep(1)
      }
      await sleep(round)
      child.kill('SIGKILL')
      await exited
      await (await openStore(dir.path)).close()
      expect(existsSync(join(dir.path, 'store.json'))).toBe(true)
    }
  })
})
