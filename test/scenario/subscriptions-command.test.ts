import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'

const commandLine = new URL('../../src/main/cli.ts', import.meta.url).pathname

let daemon: Daemon

beforeAll(async () => {
  daemon = await startDaemon({
    push: { served_hosts: ['chat.test', 'list.test', 'example.com'], max_subscriptions_per_user: 3 },
    mongoosepush: { url: 'http://127.0.0.1:9' },
  })
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
})

async function run(...words: string[]) {
  const child = new Child(process.execPath, [
    commandLine,
    'subscriptions',
    ...words,
    '--config',
    daemon.configFile,
  ])
  const { code } = await child.exited
  const lines = child.output.split('\n').filter((line) => line.startsWith('{'))
  return {
    code,
    output: child.output,
    lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

/** The last line that a command printed: the counts. */
async function counts(...words: string[]) {
  const { code, lines } = await run(...words)
  return { code, ...lines.at(-1) }
}

function file(lines: readonly object[]): string {
  const path = join(daemon.dir, 'import.jsonl')
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return path
}

const carol = {
  user: 'carol@chat.test',
  jid: 'push.test',
  node: 'n',
  options: { service: 'apns', device_id: 'x', secret: 'hush' },
  enabled: '2026-01-31T12:00:00.000Z',
}

describe('xmpp-pushd subscriptions', () => {
  test('imports what is not there yet, and shows it without its secret', async () => {
    const path = file([carol, { ...carol, node: 'm', options: undefined }])
    const none = { code: 0, imported: 0, known: 0, over_limit: 0, faulty: 0 }
    expect(await counts('import', path, '--dry-run')).toEqual({ ...none, imported: 2, dry_run: true })
    expect(await counts('import', path)).toEqual({ ...none, imported: 2 })
    expect(await counts('import', path)).toEqual({ ...none, known: 2 })
    expect(await counts('import', path, '--dry-run')).toEqual({ ...none, known: 2, dry_run: true })
    const { code, lines, output } = await run('show', 'Carol@chat.test')
    expect(code).toBe(0)
    expect(lines).toMatchObject([
      { node: 'm', options: {} },
      { ...carol, options: { service: 'apns', device_id: 'x' }, used: carol.enabled, session: '' },
    ])
    expect(output).not.toContain('hush')
  })

  test('lists everybody’s, however many', async () => {
    const many = Array.from({ length: 1_500 }, (_, i) => ({ ...carol, user: `u${i}@list.test` }))
    expect(await counts('import', file(many))).toMatchObject({ code: 0, imported: 1_500 })
    const { lines } = await run('list')
    expect(new Set(lines.map(({ user }) => user)).size).toBe(1_501)
    expect(lines).toHaveLength(1_502)
    expect((await run('remove-domain', 'list.test')).lines).toEqual([{ removed: 1_500 }])
    expect((await run('list')).lines).toHaveLength(2)
  })

  test('disables one, or all of an App Server, and removes a user', async () => {
    const nodes = ['a', 'b'].map((node) => ({ ...carol, user: 'dave@chat.test', node }))
    await run('import', file([...nodes, { ...carol, user: 'dave@chat.test', jid: 'other.test' }]))
    expect((await run('disable', 'dave@chat.test', 'push.test', 'a')).lines).toEqual([{ disabled: 1 }])
    expect((await run('disable', 'dave@chat.test', 'push.test')).lines).toEqual([{ disabled: 1 }])
    expect((await run('disable', 'dave@chat.test', 'push.test')).lines).toEqual([{ disabled: 0 }])
    expect((await run('remove-user', 'dave@chat.test')).lines).toEqual([{ removed: 1 }])
    expect((await run('show', 'dave@chat.test')).lines).toEqual([])
  })

  test.each([
    ['no word', [], 78, 'takes one of list, show'],
    ['an unknown word', ['forget'], 78, 'takes one of list, show'],
    ['a word too few', ['show'], 78, 'wrong number of words'],
    ['a word too many', ['list', 'x'], 78, 'wrong number of words'],
    ['an unknown option', ['list', '--all'], 78, '--all'],
    ['what is no user', ['show', 'chat.test'], 78, 'user is the JID of a user.'],
    ['what is no user to remove', ['remove-user', 'chat.test'], 78, 'user is the JID of a user.'],
    ['what is no domain', ['remove-domain', 'dave@chat.test'], 78, 'domain is a domain of users.'],
    ['what is no App Server', ['disable', 'dave@chat.test', '@'], 78, 'jid is the JID of an App Server.'],
    ['no node', ['disable', 'dave@chat.test', 'push.test', ''], 78, 'node is not empty.'],
    [
      'an unknown server',
      ['import', '/dev/null', '--from', 'sendmail'],
      78,
      '--from takes one of json, mong',
    ],
    ['a host that is not asked for', ['import', '/dev/null', '--host', 'a.test'], 78, '--host is for --from'],
    ['an option of another word', ['list', '--dry-run'], 78, 'list takes no --dry-run'],
    [
      'a folder without data of Prosody',
      ['import', '/dev', '--from', 'prosody'],
      78,
      'no folder cloud_notify',
    ],
    ['no data of Prosody', ['import', '/nowhere', '--from', 'prosody'], 78, '/nowhere'],
    ['a file that is not there', ['import', '/nowhere'], 78, '/nowhere'],
  ])('says what is wrong with %s', async (_, words, code, says) => {
    const ended = await run(...words)
    expect(ended.code).toBe(code)
    expect(ended.output).toContain(says)
  })

  test('names each faulty line, and imports the others; or none behind it', async () => {
    const path = join(daemon.dir, 'faulty.jsonl')
    const eve = { ...carol, user: 'eve@chat.test' }
    const lines = [
      { ...eve, node: 'a' },
      { ...eve, jid: 5 },
      { ...eve, node: 'b' },
    ]
    const [first, ...others] = lines.map((line) => JSON.stringify(line))
    writeFileSync(path, [first, '{"secret": "hush', ...others].join('\n'))
    const strict = await run('import', path, '--strict')
    expect(strict).toMatchObject({ code: 78, lines: [{ imported: 1, faulty: 1 }] })
    const all = await run('import', path)
    expect(all).toMatchObject({ code: 78, lines: [{ imported: 1, known: 1, faulty: 2 }] })
    expect(all.output).toContain(`${path}:2: is no JSON\n${path}:3: jid is text\n`)
    expect(all.output).not.toContain('hush')
  })

  test('reads standard input', async () => {
    const path = file([{ ...carol, node: 'from-stdin' }])
    const words = [
      process.execPath,
      commandLine,
      'subscriptions',
      'import',
      '-',
      '--config',
      daemon.configFile,
    ]
    const child = new Child('sh', ['-c', `"$0" "$@" < ${path}`, ...words])
    expect((await child.exited).code).toBe(0)
    expect(child.output).toContain('"imported":1')
    await run('disable', carol.user, carol.jid, 'from-stdin')
  })

  test('takes over what is newer, and no line that says no time', async () => {
    const frank = { ...carol, user: 'frank@chat.test' }
    await run('import', file([frank]))
    const changed = (enabled: string | undefined) => ({ ...frank, enabled, options: { device_id: 'y' } })
    expect(await counts('import', file([changed(undefined)]))).toMatchObject({ imported: 0, known: 1 })
    expect(await counts('import', file([changed('2026-01-30T12:00:00Z')]))).toMatchObject({ known: 1 })
    expect((await run('show', frank.user)).lines).toMatchObject([{ options: { device_id: 'x' } }])
    expect(await counts('import', file([changed('2026-02-01T12:00:00Z')]))).toMatchObject({ imported: 1 })
    expect((await run('show', frank.user)).lines).toMatchObject([{ options: { device_id: 'y' } }])
  })

  test('keeps the newest of those above the limit, in whatever order and however often they come', async () => {
    const user = 'grace@chat.test'
    const dated = [3, 1, 5, 2, 4].map((day) => {
      return { ...carol, user, node: String(day), enabled: `2026-01-0${day}T00:00:00Z` }
    })
    const undated = { ...carol, user, node: 'undated', enabled: undefined }
    expect(await counts('import', file([...dated, undated]))).toMatchObject({ imported: 5, over_limit: 1 })
    const kept = (await run('show', user)).lines.map(({ node }) => node)
    expect(kept).toEqual(['3', '4', '5'])
    expect(await counts('import', file([undated, ...dated]))).toMatchObject({ known: 3, over_limit: 3 })
    expect((await run('show', user)).lines.map(({ node }) => node)).toEqual(kept)
  })

  test('imports what is larger than one request may be', async () => {
    const options = { device_id: 'ż'.repeat(7_000) }
    const large = Array.from({ length: 100 }, (_, i) => ({ ...carol, user: `l${i}@list.test`, options }))
    expect(await counts('import', file(large))).toMatchObject({ code: 0, imported: 100 })
    await run('remove-domain', 'list.test')
  })

  test('says whose hosts are not served', async () => {
    const path = file([
      { ...carol, user: 'a@old.test' },
      { ...carol, user: 'b@old.test' },
    ])
    const { code, output } = await run('import', path)
    expect(code).toBe(0)
    expect(output).toContain('old.test is not in push.served_hosts')
    expect(output).toContain('(2 subscriptions)')
    await run('remove-domain', 'old.test')
  })

  test.each([
    ['ejabberd', 'ejabberd.mnesia.txt', [], 4, 0],
    ['ejabberd', 'ejabberd.csv', ['--host', 'example.com'], 4, 0],
    ['ejabberd', 'ejabberd.tsv', [], 4, 0],
    ['mongooseim', 'mongooseim.csv', [], 3, 0],
    ['mongooseim', 'mongooseim.mnesia.txt', [], 3, 0],
    ['prosody', 'prosody', [], 4, 2],
    ['prosody', 'prosody/example%2ecom', [], 4, 2],
    ['prosody', 'prosody/example%2ecom/cloud_notify/bob.dat', [], 2, 1],
  ])('imports an export of %s, %s', async (server, name, more, imported, faulty) => {
    const path = join(import.meta.dirname, '../fixtures/imports', name)
    const code = faulty === 0 ? 0 : 78
    const none = { code, imported: 0, known: 0, over_limit: 0, faulty }
    expect(await counts('import', path, '--from', server, ...more)).toEqual({ ...none, imported })
    expect(await counts('import', path, '--from', server, ...more)).toEqual({ ...none, known: imported })
    const bob = (await run('show', 'bob@example.com')).lines
    expect(bob).toContainEqual(
      expect.objectContaining({ options: expect.objectContaining({ device_id: 'tok-bob' }) }),
    )
    await run('remove-domain', 'example.com')
  })

  test.each([
    ['GET', '?user=chat.test', undefined, 'user', 'user is the JID of a user.'],
    ['GET', '?limit=0', undefined, 'limit', 'limit is a number from 1 to 1000.'],
    ['POST', '/disable', { user: 'a@chat.test' }, 'jid', 'jid is the JID of an App Server.'],
    ['POST', '/remove', {}, 'user', 'user is the JID of a user.'],
    ['POST', '/remove', { domain: 'a@chat.test' }, 'domain', 'domain is a domain of users.'],
    [
      'POST',
      '/remove',
      { user: 'a@chat.test', domain: 'chat.test' },
      'domain',
      'domain is not given together with user.',
    ],
    [
      'POST',
      '/import',
      { subscriptions: [carol, { ...carol, jid: 5 }] },
      'subscriptions[1].jid',
      'subscriptions[1].jid is text.',
    ],
    ['POST', '/import', { subscriptions: {} }, 'subscriptions', 'subscriptions is a list of at most 1000.'],
    ['POST', '/import', { subscriptions: [], dry_run: 'yes' }, 'dry_run', 'dry_run is true or false.'],
  ])('over HTTP, too, what is wrong is named: %s %s %j', async (method, path, body, field, message) => {
    const response = await daemon.request(`/admin/subscriptions${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: 'invalid-field', field, message })
  })

  test('says that no daemon runs', async () => {
    await daemon.stop()
    const ended = await run('list')
    expect(ended.code).toBe(75)
    expect(ended.output).toContain('no daemon answers at 127.0.0.1')
    expect(await run('import', file([carol]))).toMatchObject({ code: 75, lines: [] })
    await daemon.start()
  })
})
