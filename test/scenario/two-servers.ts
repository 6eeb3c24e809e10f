import { parse } from 'smol-toml'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import type { XmppSandbox } from '../../src/sandbox/xmpp-sandbox.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { type Daemon, type DaemonConfig, startDaemon } from '../support/daemon.ts'
import { snippet } from '../support/pages.ts'

const pubsub = 'http://jabber.org/protocol/pubsub'
const secret = 'a secret'

/** The device of a's user. */
export const deviceOfA = 'device-of-a'

/** The servers of a.example and of b.example, with two components each, on one daemon: one stream each. */
export class TwoServers implements AsyncDisposable {
  readonly a: XmppSandbox
  readonly b: XmppSandbox
  readonly gateway: GatewaySandbox
  readonly daemon: Daemon
  readonly config: DaemonConfig
  #asked = 0

  private constructor(
    a: XmppSandbox,
    b: XmppSandbox,
    gateway: GatewaySandbox,
    daemon: Daemon,
    config: DaemonConfig,
  ) {
    this.a = a
    this.b = b
    this.gateway = gateway
    this.daemon = daemon
    this.config = config
  }

  static async start(): Promise<TwoServers> {
    const sandbox = (host: string) =>
      startXmppSandbox({
        domains: { [`push.${host}`]: secret, [`virtual.${host}`]: secret, [`rooms.${host}`]: secret },
      })
    const [a, b, gateway] = await Promise.all([
      sandbox('a.example'),
      sandbox('b.example'),
      startGatewaySandbox(),
    ])
    const { component: written } = parse(snippet('docs/operations.md', 'several-servers.toml')) as {
      component: Record<string, unknown>[]
    }
    const components = (host: string, { port }: XmppSandbox) => {
      const page = written.find(({ domain }) => domain === `push.${host}`)
      const common = { ...page, server: `127.0.0.1:${port}`, secret_file: '', secret, connections: 1 }
      return [
        { ...common, publishers: [host] },
        { ...common, domain: `virtual.${host}`, pubsub: false },
      ]
    }
    const config = {
      component: [...components('a.example', a), ...components('b.example', b)],
      push: {
        served_hosts: ['a.example', 'b.example'],
        virtual_pubsub_hosts: ['virtual.@HOST@'],
        dedup_window_s: 0,
        // Users of no server here have nodes at both.
        node_owners: 'any',
      },
      mongoosepush: { url: gateway.url },
    }
    return new TwoServers(a, b, gateway, await startDaemon(config), config)
  }

  /** What a's side has: carol's node and subscriptions, and a node of somebody elsewhere. */
  async furnish(): Promise<void> {
    const set = async (from: string, payload: string) => {
      const answer = await this.ask(this.a, 'push.a.example', from, 'set', payload)
      if (answer.attr('type') !== 'result') throw new Error(answer.xml)
    }
    const create = `<pubsub xmlns='${pubsub}'><create node='n1' type='push'/></pubsub>`
    await set('carol@a.example/x', create)
    await set('dave@far.example/x', create.replace('n1', 'n2'))
    for (const node of ['n1', 'n2']) {
      const affiliations = `<affiliations node='${node}'><affiliation jid='a.example' affiliation='publish-only'/></affiliations>`
      const owner = node === 'n1' ? 'carol@a.example/x' : 'dave@far.example/x'
      await set(owner, `<pubsub xmlns='${pubsub}#owner'>${affiliations}</pubsub>`)
    }
    await set('carol@a.example/x', enable('virtual.a.example', 'v1', deviceOfA))
    await set('carol@a.example/x', enable('appserver.far.example', 'r1', deviceOfA))
  }

  /** All that there is of a's side, as its users and the operator see it, and all that was pushed and sent for it. */
  async stateOfA(): Promise<unknown> {
    // Behind whatever the store has been asked to do.
    const touch = `<pubsub xmlns='${pubsub}#owner'><affiliations node='n1'><affiliation jid='a.example' affiliation='publish-only'/></affiliations></pubsub>`
    const asked = ['touched', 'n1 of carol', 'n2 of dave', 'items of carol', 'items of dave', 'n1', 'n2']
    const get = (node: string, name: string) =>
      `<pubsub xmlns='${pubsub}#owner'><${name} node='${node}'/></pubsub>`
    const items = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
    const [carol, dave] = ['carol@a.example/x', 'dave@far.example/x']
    const answers: string[] = []
    for (const [from, type, payload] of [
      [carol, 'set', touch],
      [carol, 'get', get('n1', 'affiliations')],
      [dave, 'get', get('n2', 'affiliations')],
      [carol, 'get', items],
      [dave, 'get', items],
      [carol, 'get', get('n1', 'configure')],
      [dave, 'get', get('n2', 'configure')],
    ] as const) {
      const { xml } = await this.ask(this.a, 'push.a.example', from, type, payload)
      answers.push(xml.replace(/ id='[^']*'/, ''))
    }
    const subscriptions = await fetch(`${this.daemon.url}/admin/subscriptions?host=a.example`)
    return {
      answers: Object.fromEntries(asked.map((name, i) => [name, answers[i]])),
      subscriptions: await subscriptions.json(),
      pushes: this.gateway.requests.filter(({ deviceId }) => deviceId === deviceOfA).length,
      // But for pings, and for answers to what was asked here.
      sent: this.a.received
        .filter(({ xml }) => !/id='(?:xmpp-pushd-ping-|asked-)/.test(xml))
        .map(({ xml }) => xml),
    }
  }

  /** Sends on b's stream, and waits until the daemon has read it, with an honest request behind it. */
  async overB(xml: string, domain = 'push.b.example'): Promise<void> {
    this.b.send(domain, xml)
    const answer = await this.ask(this.b, domain, 'bob@b.example/x', 'get', "<ping xmlns='urn:xmpp:ping'/>")
    if (answer.attr('type') !== 'result') throw new Error(answer.xml)
  }

  ask(server: XmppSandbox, domain: string, from: string, type: 'get' | 'set', payload: string) {
    const id = `asked-${++this.#asked}`
    return server.request(
      domain,
      `<iq type='${type}' id='${id}' from='${from}' to='${domain}'>${payload}</iq>`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]()
    await Promise.all([this.a.close(), this.b.close(), this.gateway.close()])
  }
}

export function publish(from: string, to: string, node: string, device: string): string {
  const options = { service: 'fcm', device_id: device }
  return publishIq({ id: 'forged', from, to, node, options, summary: summaryOf('eve@far.example', 'hi') })
}

export function iqSet(from: string, to: string, payload: string): string {
  return `<iq type='set' id='forged' from='${from}' to='${to}'>${payload}</iq>`
}

export function createNode(node: string): string {
  return `<pubsub xmlns='${pubsub}'><create node='${node}' type='push'/></pubsub>`
}

/** A change of a node by its owner. */
export function ownerChange(payload: string): string {
  return `<pubsub xmlns='${pubsub}#owner'>${payload}</pubsub>`
}

export function enable(jid: string, node: string, device: string): string {
  const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`
  const fields =
    field('FORM_TYPE', `${pubsub}#publish-options`) + field('service', 'fcm') + field('device_id', device)
  return `<enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'><x xmlns='jabber:x:data' type='submit'>${fields}</x></enable>`
}

/** What a server hands on of a user's request (XEP-0355). */
export function delegated(user: string, payload: string): string {
  return `<delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'><iq type='set' xmlns='jabber:client' id='inner' from='${user}'>${payload}</iq></forwarded></delegation>`
}

/** What a server tells of a message to a user. */
export function told(from: string, to: string, user: string): string {
  return `<message from='${from}' to='${to}'><forwarded xmlns='urn:xmpp:forward:0'>${message(user)}</forwarded></message>`
}

/** The same as ejabberd's mod_push_offline tells, in the name of the user. */
export function toldOffline(from: string, to: string, user: string): string {
  return `<message from='${from}' to='${to}'><event xmlns='${pubsub}#event'><items node='urn:xmpp:push:nodes:messages'><item id='1'>${message(user)}</item></items></event></message>`
}

export function gone(name: string, from: string, to: string): string {
  return `<${name} type='error' id='forged' from='${from}' to='${to}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></${name}>`
}

function message(user: string): string {
  return `<message type='chat' xmlns='jabber:client' id='m1' to='${user}' from='eve@far.example/x'><body>forged</body></message>`
}
