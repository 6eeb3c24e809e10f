import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { createNodeIq, publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { startDaemon } from '../support/daemon.ts'
import { lacks } from '../support/installed.ts'
import { codesIn } from '../support/markdown.ts'
import { proseOf, snippet } from '../support/pages.ts'

const page = 'docs/migration-mongooseim.md'

interface DaemonFile {
  component: [{ domain: string; secret: string; server: string }]
  push: object
}

describe('the page for those who come from MongooseIM', () => {
  test('has a configuration under which registrations go on without a node, and apps may still make one', async () => {
    const { component, push } = parse(snippet(page, 'pushd.toml')) as unknown as DaemonFile
    const [{ domain, secret }] = component
    // MongooseIM allows one stream.
    await using xmpp = await startXmppSandbox({ domains: { [domain]: secret }, secondStream: 'conflict' })
    await using gateway = await startGatewaySandbox()
    await using daemon = await startDaemon({
      component: [{ ...component[0], server: `127.0.0.1:${xmpp.port}` }],
      push,
      mongoosepush: { url: gateway.url },
    })

    const summary = summaryOf('alice@example.com', 'hello')
    const options = { service: 'fcm', device_id: 'token-1' }
    const publish = { from: 'example.com', to: domain, node: 'of-old', options, summary }
    expect((await xmpp.request(domain, publishIq({ id: 'p', ...publish }))).attr('type')).toBe('result')
    expect((await gateway.next(1))[0]?.body).toMatchObject({ alert: { title: 'alice@example.com' } })
    const bob = { id: 'c', from: 'bob@example.com/phone', to: domain }
    expect((await xmpp.request(domain, createNodeIq(bob, 'new'))).attr('type')).toBe('result')
    expect(await daemon.metric('publishes_total', { result: 'delivered' })).toBe(1)
  })

  test('shows a MongooseIM that lets in this very component, and no longer holds its name', () => {
    const [{ domain, server, secret }] = (parse(snippet(page, 'pushd.toml')) as unknown as DaemonFile)
      .component
    const { listen } = parse(snippet(page, 'mongooseim-change.toml')) as unknown as {
      listen: { component: object[] }
    }
    const { modules } = parse(snippet(page, 'mongooseim-after.toml')) as unknown as {
      modules: Record<string, Record<string, unknown>>
    }
    const port = Number(server.split(':')[1])
    expect(listen.component).toEqual([{ port, ip_address: '127.0.0.1', password: secret }])
    expect(modules.mod_pubsub?.host).not.toBe(domain.replace('example.com', '@HOST@'))
    expect(modules.mod_event_pusher?.push).not.toHaveProperty('virtual_pubsub_hosts')
    expect(snippet(page, 'mongooseim-before.toml')).toContain(domain.replace('example.com', '@HOST@'))
  })

  /** Those of the modules' documentation, release 6.10; what a table's keys begin with is left out. */
  const options = {
    mod_event_pusher_push: `backend iqdisc.type wpool workers strategy call_timeout plugin_module virtual_pubsub_hosts
      rules rules.conditions rules.action rules.content event type body hint jingle user_status client_state`,
    mod_push_service_mongoosepush: 'pool_name api_version max_http_connections',
    mod_event_pusher_http: 'pool_name path callback_module',
    mod_event_pusher_sns: `presence_updates_topic pm_messages_topic muc_messages_topic plugin_module sns_host region
      access_key_id secret_access_key account_id pool_size publish_retry_count publish_retry_time_ms`,
    mod_event_pusher_rabbit: `presence_exchange chat_msg_exchange groupchat_msg_exchange name type sent_topic
      recv_topic`,
  }

  test.each(Object.entries(options))('names every option of %s', (_, named) => {
    const known = new Set(codesIn(proseOf(page)))
    expect(named.split(/\s+/).filter((option) => !known.has(option))).toEqual([])
  })

  test('shows a handler that posts to the daemon', () => {
    const { outgoing_pools, modules } = parse(snippet(page, 'mongooseim-http.toml')) as unknown as {
      outgoing_pools: { http: Record<string, { connection: { host: string } }> }
      modules: { mod_event_pusher: { http: { handlers: Record<string, string>[] } } }
    }
    const [handler] = modules.mod_event_pusher.http.handlers
    expect(outgoing_pools.http[handler?.pool_name ?? '']?.connection.host).toBe('http://127.0.0.1:9590')
    expect(snippet(page, 'mongooseim_offline.erl')).toContain(`-module(${handler?.callback_module}).`)
  })

  // Erlang comes with ejabberd.
  test.skipIf(lacks('ejabberd'))(
    'has a module that posts what is for users of the same host who are offline',
    () => {
      const dir = mkdtempSync(join(tmpdir(), 'pushd-'))
      try {
        const modules = {
          mongooseim_offline: snippet(page, 'mongooseim_offline.erl'),
          // What of MongooseIM it calls: an address is {jid, user, host, resource}, and bob is away.
          jid: '-module(jid). -export([to_lus/1]). to_lus({jid, U, S, _}) -> {U, S}.',
          ejabberd_sm:
            '-module(ejabberd_sm). -export([is_offline/1]). is_offline({jid, U, _, _}) -> U =:= <<"bob">>.',
          mod_event_pusher_http_defaults:
            '-module(mod_event_pusher_http_defaults). -export([should_make_req/6]). ' +
            'should_make_req(acc, Dir, Packet, _, _, opts) -> Dir =:= in andalso Packet =:= chat.',
        }
        const names = Object.keys(modules).map((name) => `${name}.erl`)
        for (const [name, text] of Object.entries(modules))
          writeFileSync(join(dir, `${name}.erl`), `${text}\n`)
        const erlang = (command: string, args: readonly string[]) => {
          const { status, stdout, stderr } = spawnSync(command, args, { cwd: dir, encoding: 'utf8' })
          if (status !== 0) throw new Error(`${command}: ${stdout}${stderr}`)
          return stdout
        }
        erlang('erlc', names)
        const address = (user: string, host: string) => `{jid, <<"${user}">>, <<"${host}">>, <<"r">>}`
        const posts = (dir: string, packet: string, to: string) => {
          const from = address('alice', 'a.test')
          const call = `mongooseim_offline:should_make_req(acc, ${dir}, ${packet}, ${from}, ${to}, opts)`
          return erlang('erl', ['-noshell', '-eval', `io:format("~p", [${call}]), halt().`])
        }
        expect(posts('in', 'chat', address('bob', 'a.test'))).toBe('true')
        expect(posts('in', 'chat', address('carol', 'a.test'))).toBe('false')
        expect(posts('in', 'chat', address('bob', 'b.test'))).toBe('false')
        expect(posts('in', 'normal', address('bob', 'a.test'))).toBe('false')
        expect(posts('out', 'chat', address('bob', 'a.test'))).toBe('false')
      } finally {
        rmSync(dir, { recursive: true })
      }
    },
  )
})
