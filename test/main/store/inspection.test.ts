import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { valueCodecs } from '../../../src/main/store/check-entries.ts'
import { LmdbDeadDeviceStore } from '../../../src/main/store/dead-devices.ts'
import { LmdbDeadLetterStore } from '../../../src/main/store/dead-letters.ts'
import { LmdbJournal } from '../../../src/main/store/journal.ts'
import { separator } from '../../../src/main/store/keys.ts'
import { LmdbOutbox } from '../../../src/main/store/outbox.ts'
import { LmdbProviderTokenStore } from '../../../src/main/store/provider-tokens.ts'
import { LmdbPublishStore } from '../../../src/main/store/publishes.ts'
import { LmdbSubscriptionStore } from '../../../src/main/store/subscriptions.ts'
import { Child } from '../../support/child.ts'
import { notificationTo } from '../dispatch/notifications.ts'
import { nodeRecord, noLimits, openNodes, openStore, scratchDirectory } from './open-store.ts'
import { given, storedPush } from './stored-push.ts'
import { tamper } from './tamper.ts'

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
  const letters = new LmdbDeadLetterStore(environment, { maxAgeMs: 1e9, maxCount: 10, maxBytes: 1e12, nowMs })
  const outbox = new LmdbOutbox(environment, letters, {
    maxStored: 100,
    maxStoredBytes: 1e12,
    domainShare: 1,
    collapse: true,
    nowMs,
  })
  await openNodes(environment).create('push.example.com', 'n', nodeRecord('a@b'), noLimits)
  const ids: string[] = []
  for (const device of ['a', 'b', 'c']) {
    const addition = given(outbox.add(storedPush(device, { retryCause: 'connect_error' })))
    await addition.durable
    ids.push(addition.id)
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
  expect(stats).toMatchObject({ format: 2, fileBytes: statSync(join(data, 'store.mdb')).size })
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
  const letters = new LmdbDeadLetterStore(environment, {
    maxAgeMs: 1e9,
    maxCount: 10,
    maxBytes: 1e12,
    nowMs: Date.now,
  })
  const outbox = new LmdbOutbox(environment, letters, {
    maxStored: 100,
    maxStoredBytes: 1e12,
    domainShare: 1,
    collapse: true,
    nowMs: Date.now,
  })
  expect(ids.map((id) => outbox.get(id)?.notification.device.id)).toEqual(['a', 'b', 'c'])
})

test('a backup that the disk has no room for leaves nothing that could be taken for one', async () => {
  using dir = scratchDirectory()
  const data = join(dir.path, 'data')
  await full(data)
  const copies = join(dir.path, 'copies')
  mkdirSync(copies)
  const config = `${data}.toml`
  writeFileSync(config, `data_dir = ${JSON.stringify(data)}\n`)
  const words = ['store', 'backup', '--config', config, '--to', join(copies, 'copy.mdb')]
  const limited = ['-c', 'ulimit -S -f 40; exec "$0" "$@"', process.execPath, commandLine, ...words]
  const child = new Child('sh', limited)
  const { code } = await child.exited
  expect(child.output).toContain('cannot write the backup')
  expect(code).not.toBe(0)
  expect(readdirSync(copies)).toEqual([])
})

test('a push that is never due, and a due time of no push, are found', async () => {
  using dir = scratchDirectory()
  const data = join(dir.path, 'data')
  const { environment, ids } = await filled(data)
  await environment.close()
  await tamper(data, async (table) => {
    const [key] = [...table('outbox_due').getKeys({ limit: 1 })]
    await table('outbox_due').remove(key ?? '')
    await table('outbox').remove(ids[2] ?? '')
  })
  const { code, output } = await store(data, 'check')
  expect(code).toBe(78)
  const faults = output.trim().split('\n')
  expect(faults).toHaveLength(2)
  expect(faults[0]).toContain(`outbox: ${ids[0]} is never due`)
  expect(faults[1]).toContain('outbox_due: ')
})

/** One entry, at least, in every table. */
async function full(path: string): Promise<void> {
  const { environment } = await filled(path)
  const nowMs = Date.now
  const notification = notificationTo('tok')
  const letters = new LmdbDeadLetterStore(environment, { maxAgeMs: 1e9, maxCount: 10, maxBytes: 1e12, nowMs })
  await environment.queue.write(() => letters.record(notification, 'expired', ''))
  const journal = new LmdbJournal(environment, nowMs)
  const group = journal.add([notification, notification])
  await group.durable
  await journal.ended(group.id, [0])
  await new LmdbDeadDeviceStore(environment, { ttlS: 60, nowMs }).add(
    notification.device,
    'd',
    'n',
    'provider',
  )
  const [user, jid, node, domain] = ['a@b', 'push.example.com', 'n', 'b']
  const subscription = {
    user,
    jid,
    node,
    domain,
    options: [],
    session: '',
    enabledAtMs: 1,
    usedAtMs: 1,
    outage: undefined,
  }
  await new LmdbSubscriptionStore(environment).put(subscription, 9)
  const publish = { user, jid, node, domain, summary: [], createdAtMs: 1 }
  await new LmdbPublishStore(environment, nowMs).add(publish).durable
  await new LmdbProviderTokenStore(environment).put('team', 'key', { jwt: 'x', issuedAtMs: 1 })
  await environment.close()
}

/** Changes the store as no daemon does. */
test('every table that the daemon has is known to the check', () => {
  const folder = new URL('../../../src/main/store/', import.meta.url)
  const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  const tables = sources.flatMap((source) =>
    [...source.matchAll(/\.table\(\s*'(\w+)'/g)].map(([, name]) => name),
  )
  expect(Object.keys(valueCodecs).toSorted()).toEqual([...new Set(tables)].toSorted())
})

test('a store with something in every table has no faults, and what cannot be read is named, table by table', async () => {
  using dir = scratchDirectory()
  const data = join(dir.path, 'data')
  await full(data)
  expect(await store(data, 'check')).toEqual({ code: 0, output: `${data}/store.mdb: no faults\n` })
  const readable = Object.keys(valueCodecs).filter((name) => valueCodecs[name] !== undefined)
  const keys: string[] = []
  await tamper(data, async (table) => {
    for (const name of readable) {
      const [key = ''] = table(name).getKeys({ limit: 1 })
      keys.push(key.replaceAll(separator, ' / '))
      await table(name).put(key, [true, 'torn'])
    }
  })
  const { code, output } = await store(data, 'check')
  expect(code).toBe(78)
  expect(output.trim().split('\n')).toEqual(
    readable.map((name, i) => `${data}/store.mdb: ${name}: ${keys[i]} cannot be read`),
  )
})

test.each([
  ['nodes', 'affiliations', 'is not among the nodes of a@b'],
  ['affiliations', 'nodes', 'belongs to no node'],
  ['owned', 'nodes', 'belongs to no node'],
  ['dead', 'dead_by_time', 'is never forgotten'],
  ['dead_by_time', 'dead', 'stands for no device'],
  ['dead_by_node', 'dead', 'stands for no device'],
  ['journal_ended', 'journal', 'belongs to no group'],
  ['outbox', 'outbox_due', 'is never due'],
  ['outbox_due', 'outbox', 'stands for no push'],
])('an entry in %s without its counterpart in %s is found', async (table, counterpart, fault) => {
  using dir = scratchDirectory()
  const data = join(dir.path, 'data')
  await full(data)
  await tamper(data, (named) => named(counterpart).clearAsync())
  const { code, output } = await store(data, 'check')
  expect(code).toBe(78)
  expect(output).toMatch(new RegExp(`^${data}/store.mdb: ${table}: .+ ${fault}$`, 'm'))
})

test('a page that was lost is found, and ends nothing', async () => {
  using dir = scratchDirectory()
  const data = join(dir.path, 'data')
  await full(data)
  await tamper(data, async (table) => table('subscriptions').put('torn', ['torn']))
  const file = join(data, 'store.mdb')
  const bytes = readFileSync(file)
  const pageBytes = 4096
  for (let at = 2 * pageBytes; at < bytes.length; at += pageBytes) {
    const page = bytes.subarray(at, at + pageBytes)
    if (page.includes('connect_error')) page.fill(0)
  }
  writeFileSync(file, bytes)
  const { code, output } = await store(data, 'check')
  expect(code).toBe(78)
  expect(output).toContain(`${file}: outbox: has a damaged page (`)
  expect(output, 'what is behind is looked at').toContain(`${file}: subscriptions: torn cannot be read\n`)
})

test.each([
  [['stats'], /there is no store at/],
  [['check'], /there is no store at/],
  [['backup'], /needs --to FILE/],
  [['destroy'], /takes one of backup, check, stats/],
  [['check', '--to', 'x'], /takes no --to/],
])('store %j is refused with a reason', async (words, reason) => {
  using dir = scratchDirectory()
  const { code, output } = await store(join(dir.path, 'data'), ...words)
  expect(code).not.toBe(0)
  expect(output).toMatch(reason)
})
