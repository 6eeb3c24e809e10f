import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { WriteQueue, type WriteTarget } from '../../../src/main/store/write-queue.ts'
import { nodeRecord, noLimits, openNodes, openStore, scratchDirectory } from './open-store.ts'

const recovering = new URL('./recovering-writer.ts', import.meta.url).pathname
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
  expect(openNodes(store).count()).toBe(seen.created + 1)
})

test('a thousand writes of one turn are one transaction', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  const before = store.transactions
  const record = nodeRecord('a@b')
  const results = Array.from({ length: 1000 }, (_, i) =>
    nodes.create('push.example.com', `${i}`, record, noLimits),
  )
  expect(new Set(await Promise.all(results))).toEqual(new Set(['created']))
  expect(store.transactions - before).toBe(1)
})

test('a commit that does not come back fails those who wait, refuses others, and is forgiven when it does', async () => {
  const released = Promise.withResolvers<void>()
  const put: string[] = []
  const discarded: string[] = []
  const target: WriteTarget = {
    store: (key) => void put.push(key),
    stored: () => undefined,
    discard: () => void discarded.push('all'),
  }
  const queue = new WriteQueue(
    async (puts) => {
      puts()
      await released.promise
    },
    100,
    pino({ level: 'silent' }),
    { hangMs: 20 },
  )
  const first = queue.write(() => queue.add(target, 'first'))
  await expect(first).rejects.toMatchObject({ code: 'io', transient: true })
  expect(queue.fault?.code).toBe('io')
  await expect(queue.write(() => queue.add(target, 'second'))).rejects.toMatchObject({ code: 'io' })
  released.resolve()
  await new Promise(setImmediate)
  await queue.write(() => queue.add(target, 'third'))
  expect(queue.fault).toBeUndefined()
  expect(put).toEqual(['first', 'third'])
  expect(discarded.length, 'tables are to look at the disk again').toBe(2)
})

test('a store at fault is tried again by itself, so that nobody has to write for it to be well', async () => {
  using dir = scratchDirectory()
  const limited = ['-c', 'ulimit -S -f 4000; exec "$0" "$@"', process.execPath, recovering, dir.path]
  const { stdout } = await promisify(execFile)('sh', limited)
  expect(JSON.parse(stdout)).toEqual({ during: expect.stringMatching(/io|full/), after: 'none' })
})
