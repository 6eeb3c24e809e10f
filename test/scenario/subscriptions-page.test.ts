import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { pageText, snippet } from '../support/pages.ts'
import { Shell } from '../support/shell.ts'

const page = 'docs/migration-subscriptions.md'
const fixture = (name: string) => join(import.meta.dirname, '../fixtures/imports', name)

/** What the programs of the servers would print or write is what real ones have. */
const programs = {
  psql: [
    'sh',
    '-c',
    `case "$*" in *event_pusher*) cat ${fixture('mongooseim.csv')};; *) cat ${fixture('ejabberd.csv')};; esac`,
    'psql',
  ],
  mongooseimctl: ['sh', '-c', `cp ${fixture('mongooseim.mnesia.txt')} "$4"`, 'mongooseimctl'],
}

let daemon: Daemon
let dir: string
let shell: Shell

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pushd-'))
  daemon = await startDaemon({
    push: { served_hosts: ['example.com'] },
    mongoosepush: { url: 'http://127.0.0.1:9' },
  })
  shell = new Shell(dir, programs)
  shell.env.XMPP_PUSHD_CONFIG = daemon.configFile
  shell.write('subscriptions.jsonl', `${snippet(page, 'subscription.json')}\n`)
})
afterAll(async () => {
  rmSync(dir, { recursive: true })
  await daemon[Symbol.asyncDispose]()
})

describe('the page about bringing push registrations along', () => {
  test.each([
    ['import-ejabberd-sql', 4],
    ['import-mongooseim-sql', 3],
    ['import-mongooseim', 3],
    ['import-json', 1],
  ])('has commands that work: %s', (name, imported) => {
    const script = snippet(page, name).replaceAll('/tmp/', `${dir}/`)
    const counts = JSON.parse(shell.run(script)) as object
    expect(counts).toEqual({ imported, known: 0, over_limit: 0, faulty: 0 })
    expect(Object.keys(counts).every((count) => pageText(page).includes(`| \`${count}\` |`))).toBe(true)
    shell.run('xmpp-pushd subscriptions remove-domain example.com')
  })

  test('shows the counts as they are printed', () => {
    const printed = shell.run('xmpp-pushd subscriptions import --dry-run subscriptions.jsonl')
    const names = (text: string) => Object.keys(JSON.parse(text) as object)
    expect(names(printed)).toEqual(names(snippet(page, 'counts')))
  })
})
