import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { expect, test } from 'vitest'
import { LmdbDeadLetterStore } from '../../../src/main/store/dead-letters.ts'
import { LmdbNodeStore } from '../../../src/main/store/nodes.ts'
import { LmdbOutbox } from '../../../src/main/store/outbox.ts'
import { Child } from '../../support/child.ts'
import { nodeRecord, openStore, scratchDirectory } from './open-store.ts'
import { storedPush } from './stored-push.ts'

const commandLine = new URL('../../../src/main/cli.ts', import.meta.url).pathname

/** The command in a process of its own: two views of one store in one process are too much for lmdb. */
async function store(dataDir: string, ...words: string[]) {
  const config = `${dataDir}.toml`
  writeFileSync(config, `data_dir = ${JSON.stringify(dataDir)}\n`)
  const child = new Child(process.execPath, [commandLine, 'store', ...words, '--config', config])
  const { code } = await child.exited
  return { code, output: child.output }
}

async function filled(path: string) {
  const environment = await openStore(path)
  const nowMs = Date.now
  const letters = new LmdbDeadLetterStore(environment, { maxAgeMs: 1e9, maxCount: 10, nowMs })
  const outbox = new LmdbOutbox(environment, letters, { maxStored: 100, collapse: true, nowMs })
  await new LmdbNodeStore(environment).create('push.example.com', 'n', nodeRecord('a@b'), 9)
  const ids: string[] = []
  for (const device of ['a', 'b', 'c']) {
    const addition = outbox.add(storedPush(device))
    await addition?.durable
    ids.push(addition?.id ?? '')
  }
  return { environment, outbox, ids }
}

test('a store is counted and checked while a daemon works on it', async () => {
  using dir = scratchDirectory()
  const data = join(dir.path, 'data')
  const { environment } = await filled(data)
  await using _closed = environment
  const { code, output } = await store(data, 'stats')
  expect(code).toBe(0)
  const stats = JSON.parse(output)
  expect(stats.tables).toMatchObject({
    nodes: { entries: 1 },
    outbox: { entries: 3 },
    outbox_due: { entries: 3 },
  })
  expect(stats).toMatchObject({ format: 1, fileBytes: statSync(join(data, 'store.mdb')).size })
  expect(await store(data, 'check')).toEqual({ code: 0, output: `${data}/store.mdb: no faults\n` })
})

test('a backup taken while a daemon works is a store with all that was acknowledged, and overwrites nothing', async () => {
  using dir = scratchDirectory()
  const data = join(dir.path, 'data')
  const copy = join(dir.path, 'copy.mdb')
  let ids: string[]
  {
    const running = await filled(data)
    await using _closed = running.environment
    ids = running.ids
    expect(await store(data, 'backup', '--to', copy)).toMatchObject({ code: 0 })
    expect((await store(data, 'backup', '--to', copy)).output).toContain('overwrites nothing')
    expect(statSync(copy).mode & 0o077, 'nobody else may read it').toBe(0)
    await running.outbox.remove(ids[0] ?? '', undefined)
  }
  const restored = join(dir.path, 'restored')
  mkdirSync(restored)
  copyFileSync(copy, join(restored, 'store.mdb'))
  await using environment = await openStore(restored)
  const letters = new LmdbDeadLetterStore(environment, { maxAgeMs: 1e9, maxCount: 10, nowMs: Date.now })
  const outbox = new LmdbOutbox(environment, letters, { maxStored: 100, collapse: true, nowMs: Date.now })
  expect(ids.map((id) => outbox.get(id)?.notification.device.id)).toEqual(['a', 'b', 'c'])
})

test('a push that is never due, and a due time of no push, are found', async () => {
  using dir = scratchDirectory()
  const data = join(dir.path, 'data')
  const { environment, ids } = await filled(data)
  await environment.close()
  const raw = open<unknown, string>(join(data, 'store.mdb'), { noSubdir: true, maxDbs: 32 })
  const due = raw.openDB<unknown, string>('outbox_due', {})
  const [key] = [...due.getKeys({ limit: 1 })]
  await due.remove(key ?? '')
  await raw.openDB<unknown, string>('outbox', {}).remove(ids[2] ?? '')
  await raw.close()
  const { code, output } = await store(data, 'check')
  expect(code).toBe(78)
  const faults = output.trim().split('\n')
  expect(faults).toHaveLength(2)
  expect(faults[0]).toContain(`outbox: ${ids[0]} is never due`)
  expect(faults[1]).toContain('outbox_due: ')
})

test.each([
  [['stats'], /there is no store at/],
  [['backup'], /needs --to FILE/],
  [['destroy'], /takes one of backup, check, stats/],
  [['check', '--to', 'x'], /takes no --to/],
])('store %j is refused with a reason', async (words, reason) => {
  using dir = scratchDirectory()
  const { code, output } = await store(join(dir.path, 'data'), ...words)
  expect(code).not.toBe(0)
  expect(output).toMatch(reason)
})
