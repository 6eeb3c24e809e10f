import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { LmdbNodeStore } from '../../../src/main/store/nodes.ts'
import { nodeRecord, openStore, scratchDirectory } from './open-store.ts'

const filler = new URL('./full-writer.ts', import.meta.url).pathname

test('a store that cannot grow refuses writes with a reason, keeps what it promised, and works again once there is room', async () => {
  using dir = scratchDirectory()
  const limited = ['-c', 'ulimit -S -f 4000; exec "$0" "$@"', process.execPath, filler, dir.path]
  const { stdout } = await promisify(execFile)('sh', limited)
  const { seen, after } = JSON.parse(stdout)
  // The write that meets the limit is cut short, which LMDB calls an input/output error.
  expect(['io', 'full']).toContain(seen.code)
  expect(seen.created).toBeGreaterThan(200)
  expect(seen).toEqual({
    code: seen.code,
    fault: seen.code,
    created: seen.created,
    counted: seen.created,
    found: seen.created,
    listed: seen.created,
  })
  expect(after).toEqual({ create: 'created', fault: 'none', counted: seen.created + 1 })
  await using store = await openStore(dir.path)
  expect(new LmdbNodeStore(store).count()).toBe(seen.created + 1)
})

test('a thousand writes of one turn are one transaction', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = new LmdbNodeStore(store)
  const before = store.transactions
  const record = nodeRecord('a@b')
  const results = Array.from({ length: 1000 }, (_, i) =>
    nodes.create('push.example.com', `${i}`, record, 1e9),
  )
  expect(new Set(await Promise.all(results))).toEqual(new Set(['created']))
  expect(store.transactions - before).toBe(1)
})
