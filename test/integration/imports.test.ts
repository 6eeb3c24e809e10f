import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ejabberdCommand, startEjabberd } from '../support/ejabberd.ts'
import { lacks } from '../support/installed.ts'
import { snippet } from '../support/pages.ts'
import { startProsody } from '../support/prosody.ts'
import { Shell } from '../support/shell.ts'
import type { XmppServer } from '../support/xmpp-server.ts'
import { bare, enablePush, SetUp, service } from './set-up.ts'

const page = 'docs/migration-subscriptions.md'

const servers = [
  {
    name: 'ejabberd',
    program: 'ejabberd',
    start: () => startEjabberd(),
    commands: ({ dir }: XmppServer) =>
      snippet(page, 'import-ejabberd').replaceAll('/var/lib/ejabberd', () => dir),
  },
  {
    name: 'Prosody',
    program: 'prosody',
    start: () => startProsody(),
    commands: ({ dir }: XmppServer) =>
      snippet(page, 'import-prosody').replace('/var/lib/prosody', () => join(dir, 'data')),
  },
] as const

describe.each(servers)('push registrations of $name', ({ name, program, start, commands }) => {
  test.skipIf(lacks(program))(
    'are imported as the page says, and pushed to by the daemon from then on',
    async () => {
      const dir = mkdtempSync(join(tmpdir(), 'pushd-'))
      await using setUp = await SetUp.start(await start())
      const { server, daemon } = setUp
      const shell = new Shell(dir, name === 'ejabberd' ? { ejabberdctl: ejabberdCommand(server) } : {})
      shell.env.XMPP_PUSHD_CONFIG = daemon.configFile
      try {
        const bob = await setUp.asleep('a-token/ü', { click_action: 'ż\n"open"' })
        const carol = await setUp.asleep('phone')
        const dave = await setUp.online('dave.x-y')
        await enablePush(dave, 'tablet')
        await dave.iq('set', undefined, `<disable xmlns='urn:xmpp:push:0' jid='${service}'/>`)
        await dave.goOffline()

        const counts = (output: string) => JSON.parse(output.trim().split('\n').at(-1) ?? '') as object
        const none = { imported: 0, known: 0, over_limit: 0, faulty: 0 }
        const script = commands(server)
        expect(counts(shell.run(script))).toEqual({ ...none, imported: 2 })
        expect(counts(shell.run(script))).toEqual({ ...none, known: 2 })

        const events = [bob, carol, bare(dave.jid)].map((to) => {
          return { to, from: 'alice@example.com/phone', type: 'chat', body: 'hello' }
        })
        const response = await daemon.request(`/v1/events/message`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(events),
        })
        expect(await response.json()).toEqual({ notified: 2 })
        const [push] = await setUp.pushesTo('a-token/ü')
        expect(push).toMatchObject({
          service: 'apns',
          topic: 'com.example.app',
          alert: { title: 'alice@example.com', body: 'hello', click_action: 'ż\n"open"' },
        })
        await setUp.pushesTo('phone')
        expect(setUp.gateway.requests).toHaveLength(2)
      } finally {
        rmSync(dir, { recursive: true })
      }
    },
  )
})
