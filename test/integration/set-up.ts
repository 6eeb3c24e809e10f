import { parse } from 'smol-toml'
import { describe } from 'vitest'
import { escapeXml } from '../../src/core/xml/escape.ts'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { type Daemon, type DaemonConfig, startDaemon } from '../support/daemon.ts'
import { startEjabberd } from '../support/ejabberd.ts'
import { lacks } from '../support/installed.ts'
import { startProsody } from '../support/prosody.ts'
import { readmeSnippet } from '../support/readme.ts'
import { register, type Stanza, XmppClient } from '../support/xmpp-client.ts'
import type { XmppServer } from '../support/xmpp-server.ts'

export const service = 'push.example.com'
export const pubsub = 'http://jabber.org/protocol/pubsub'

export type ServerName = 'ejabberd' | 'Prosody'

const servers = [
  { name: 'ejabberd', program: 'ejabberd', start: () => startEjabberd() },
  { name: 'Prosody', program: 'prosody', start: () => startProsody() },
] as const

/** The same tests with each of the servers, set up as the README says; skipped where one is not installed. */
export function describeServers(
  title: string,
  tests: (server: { name: ServerName; start(): Promise<XmppServer> }) => void,
): void {
  for (const { name, program, start } of servers) {
    describe.skipIf(lacks(program))(`${title} (${name})`, () => tests({ name, start }))
  }
}

/** Changes to the README's configuration, table by table. */
export interface ConfigChanges {
  readonly component?: Readonly<Record<string, unknown>>
  readonly push?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, unknown>>
  readonly queue?: Readonly<Record<string, unknown>>
}

/** The README's configuration of the daemon, for this server and this gateway. */
export function configFor(
  componentPort: number,
  gatewayUrl: string,
  changes: ConfigChanges = {},
): DaemonConfig {
  const { component, push } = parse(readmeSnippet('pushd.toml')) as {
    component: Record<string, unknown>[]
    push: Record<string, unknown>
  }
  return {
    component: [{ ...component[0], server: `127.0.0.1:${componentPort}`, ...changes.component }],
    push: { ...push, wpool: { workers: 1 }, ...changes.push },
    content: changes.content ?? {},
    queue: changes.queue ?? {},
    mongoosepush: { url: gatewayUrl },
  }
}

/** What the README says about `[[component]]` for this server alone. */
export function componentFor({ kind }: XmppServer): Readonly<Record<string, unknown>> {
  if (kind.name !== 'Prosody') return {}
  const { component } = parse(readmeSnippet('prosody-pushd.toml')) as { component: Record<string, unknown>[] }
  return component[0] ?? {}
}

/** A server, the daemon and a gateway, wired up. */
export class SetUp implements AsyncDisposable {
  readonly server: XmppServer
  readonly gateway: GatewaySandbox
  readonly daemon: Daemon
  #users = 0

  private constructor(server: XmppServer, gateway: GatewaySandbox, daemon: Daemon) {
    this.server = server
    this.gateway = gateway
    this.daemon = daemon
  }

  /** `port`: where the daemon connects to, if not straight to the server's component port. */
  static async start(server: XmppServer, changes: ConfigChanges = {}, port?: number): Promise<SetUp> {
    const gateway = await startGatewaySandbox()
    try {
      const component = { ...componentFor(server), ...changes.component }
      const config = configFor(port ?? server.componentPort, gateway.url, { ...changes, component })
      return new SetUp(server, gateway, await startDaemon(config))
    } catch (error) {
      await gateway.close()
      await server[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A new account, online. */
  async online(name: string): Promise<XmppClient> {
    const user = `${name}-${++this.#users}`
    await register(this.server, user)
    return XmppClient.connect(this.server, user)
  }

  /** A new account whose app has enabled push and gone to sleep; its bare JID. */
  async asleep(deviceId: string, options: Readonly<Record<string, string>> = {}): Promise<string> {
    const client = await this.online('bob')
    await enablePush(client, deviceId, options)
    await client.goOffline()
    return bare(client.jid)
  }

  /** What the gateway was asked to push to a device, once it was asked `count` times. */
  async pushesTo(deviceId: string, count = 1): Promise<Record<string, unknown>[]> {
    let seen = 0
    for (;;) {
      const pushes = this.gateway.requests.filter((request) => request.deviceId === deviceId)
      if (pushes.length >= count) return pushes.map(({ body }) => body)
      seen = Math.max(seen, this.gateway.requests.length)
      await this.gateway.next(seen + 1)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]()
    await this.gateway.close()
    await this.server[Symbol.asyncDispose]()
  }
}

/** What the README tells an app to send, for this device, with more publish-options or others. */
export async function enablePush(
  client: XmppClient,
  deviceId: string,
  options: Readonly<Record<string, string>> = {},
  node = `node-of-${deviceId}`,
  appServer = service,
): Promise<void> {
  const { service: provider = 'apns', ...more } = options
  const fields = Object.entries(more).map(([name, value]) => field(name, value))
  const [, enable = ''] = /<iq[^>]*>(.*)<\/iq>/s.exec(readmeSnippet('enable.xml')) ?? []
  const content = enable
    .replace(service, appServer)
    .replace('a-name-of-its-own', () => escapeXml(node))
    .replace('the token that Apple or Google gave to the app', () => escapeXml(deviceId))
    .replace('>apns<', `>${provider}<`)
    .replace('</x>', () => `${fields.join('')}</x>`)
  const answer = await client.iq('set', undefined, content)
  if (answer.attrs.type !== 'result') throw new Error(`push was not enabled: ${answer}`)
}

/** Makes a push node; whom its `publish_model` lets publish. */
export function createNode(node: string, publishModel: string): string {
  const fields = field('FORM_TYPE', `${pubsub}#node_config`) + field('pubsub#publish_model', publishModel)
  const form = `<x xmlns='jabber:x:data' type='submit'>${fields}</x>`
  return `<pubsub xmlns='${pubsub}'><create node='${node}' type='push'/><configure>${form}</configure></pubsub>`
}

/** Lets a server or user publish to a node. */
export function admit(node: string, jid: string): string {
  const affiliation = `<affiliation jid='${jid}' affiliation='publish-only'/>`
  return `<pubsub xmlns='${pubsub}#owner'><affiliations node='${node}'>${affiliation}</affiliations></pubsub>`
}

/** A field of a data form (XEP-0004). */
export function field(name: string, value: string): string {
  return `<field var='${name}'><value>${escapeXml(value)}</value></field>`
}

export function bare(jid: string): string {
  return jid.replace(/\/.*/, '')
}

/** An IQ error in short: `cancel/item-not-found`; a result is `result`. */
export function verdictOf(answer: Stanza): string {
  const error = answer.getChild('error')
  if (error === undefined) return String(answer.attrs.type)
  const condition = error.getChildElements().find(({ attrs }) => attrs.xmlns?.endsWith('xmpp-stanzas'))
  return `${error.attrs.type}/${condition?.name}`
}
