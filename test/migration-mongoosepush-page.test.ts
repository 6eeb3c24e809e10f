import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { afterAll, expect, test } from 'vitest'
import { gatewayTables } from '../src/main/config/from-mongoosepush.ts'
import { tableUnder } from './support/markdown.ts'
import { pageText, snippet } from './support/pages.ts'

const page = 'docs/migration-mongoosepush.md'
const dir = mkdtempSync(join(tmpdir(), 'pushd-'))
afterAll(() => rmSync(dir, { recursive: true }))

test('the commands of the page that translate a configuration do so', () => {
  const program = join(import.meta.dirname, '../bin/xmpp-pushd')
  writeFileSync(join(dir, 'config.toml'), '[[service.fcm]]\nauth.appfile = "one.json"\n')
  writeFileSync(join(dir, 'mongoosepush.env'), 'PUSH_FCM_APP_FILE=two.json\n')
  const commands = snippet(page, 'translate').trim().split('\n')
  expect(commands).toHaveLength(2)
  for (const [i, command] of commands.entries()) {
    const here = command
      .replace('xmpp-pushd ', `'${process.execPath}' '${program}' `)
      .replace('/opt/app/var/', '')
      .replace('xmpp-pushd.toml', `${i}.toml`)
    execFileSync('sh', ['-c', here], { cwd: dir, env: {} })
  }
  const files = ['0.toml', '1.toml'].map((name) => parse(readFileSync(join(dir, name), 'utf8')))
  expect(files).toMatchObject([
    { gateway: { fcm: [{ service_account_file: 'one.json' }] } },
    { gateway: { fcm: [{ service_account_file: 'two.json' }] } },
  ])
})

test('the keys that settings become are those that are written', () => {
  const everything = {
    general: { https: { certfile: 'c', keyfile: 'k' } },
    service: {
      fcm: [{ tags: ['t'], connection: { endpoint: 'h' }, auth: { appfile: 'a' } }],
      apns: [
        {
          mode: 'dev',
          default_topic: 't',
          tags: ['t'],
          connection: { use_2197: true, endpoint: 'h' },
          auth: { token: { tokenfile: 'f', key_id: 'k', team_id: 't' } },
        },
        { mode: 'prod', auth: { certificate: { certfile: 'c', keyfile: 'k' } } },
      ],
    },
  }
  const text = gatewayTables(everything, {})
  const written = [...text.matchAll(/^([a-z_.]+) = /gm)].map(([, key = '']) => key)
  const rows = tableUnder(pageText(page), 'The move', "in MongoosePush's TOML")
  const named = rows.flatMap(([, , ours = '']) =>
    [...ours.matchAll(/`[^`]*?([a-z_]+)`/g)].map(([, key]) => key),
  )
  for (const key of new Set(written)) expect(named).toContain(key.split('.').at(-1))
})
