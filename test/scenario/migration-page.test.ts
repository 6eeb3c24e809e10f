import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { createNodeIq, publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { startDaemon } from '../support/daemon.ts'
import { snippet } from '../support/pages.ts'

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
    const { listen, modules } = parse(snippet(page, 'mongooseim-after.toml')) as unknown as {
      listen: { component: object[] }
      modules: Record<string, Record<string, unknown>>
    }
    const port = Number(server.split(':')[1])
    expect(listen.component).toEqual([{ port, ip_address: '127.0.0.1', password: secret }])
    expect(modules.mod_pubsub?.host).not.toBe(domain.replace('example.com', '@HOST@'))
    expect(modules.mod_event_pusher?.push).not.toHaveProperty('virtual_pubsub_hosts')
    expect(snippet(page, 'mongooseim-before.toml')).toContain(domain.replace('example.com', '@HOST@'))
  })
})
