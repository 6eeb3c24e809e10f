import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'

const commandLine = new URL('../../src/main/cli.ts', import.meta.url).pathname

let daemon: Daemon

beforeAll(async () => {
  daemon = await startDaemon({ mongoosepush: { url: 'http://127.0.0.1:9' } })
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
    expect((await run('import', path)).lines).toEqual([{ imported: 2, known: 0 }])
    expect((await run('import', path)).lines).toEqual([{ imported: 0, known: 2 }])
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
    expect((await run('import', file(many))).lines).toEqual([{ imported: 1_500, known: 0 }])
    const { lines } = await run('list')
    expect(new Set(lines.map(({ user }) => user)).size).toBe(1_501)
    expect(lines).toHaveLength(1_502)
    expect((await run('remove-domain', 'list.test')).lines).toEqual([{ removed: 1_500 }])
    expect((await run('list')).lines).toHaveLength(2)
  })

  test('disables one, or all of an App Server, and removes a user', async () => {
    const nodes = ['a', 'b', 'c'].map((node) => ({ ...carol, user: 'dave@chat.test', node }))
    await run('import', file([...nodes, { ...carol, user: 'dave@chat.test', jid: 'other.test' }]))
    expect((await run('disable', 'dave@chat.test', 'push.test', 'a')).lines).toEqual([{ disabled: 1 }])
    expect((await run('disable', 'dave@chat.test', 'push.test')).lines).toEqual([{ disabled: 2 }])
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
    ['a file that is not there', ['import', '/nowhere'], 78, '/nowhere'],
  ])('says what is wrong with %s', async (_, words, code, says) => {
    const ended = await run(...words)
    expect(ended.code).toBe(code)
    expect(ended.output).toContain(says)
  })

  test('says which line of a file is faulty', async () => {
    const path = file([carol])
    writeFileSync(path, `${JSON.stringify(carol)}\n{"user"\n`)
    expect((await run('import', path)).output).toContain(`${path}:2: `)
    const faulty = await run('import', file([carol, { ...carol, jid: 5 }]))
    expect(faulty).toMatchObject({
      code: 78,
      output: expect.stringContaining('subscriptions[1].jid is text.'),
    })
  })

  test('says that no daemon runs', async () => {
    await daemon.stop()
    const ended = await run('list')
    expect(ended.code).toBe(75)
    expect(ended.output).toContain('no daemon answers at 127.0.0.1')
    await daemon.start()
  })
})
