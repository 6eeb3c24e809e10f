import { pino } from 'pino'
import { SaxesParser } from 'saxes'
import type { Device, Notification } from '../../../../src/core/notification.ts'
import { Element } from '../../../../src/core/xml/element.ts'
import { Metrics } from '../../../../src/main/metrics/table.ts'
import { AppServer } from '../../../../src/main/roles/app-server/app-server.ts'
import type {
  AppServerDomain,
  AppServerOptions,
  ContentOptions,
} from '../../../../src/main/roles/app-server/options.ts'
import type { PublishResult } from '../../../../src/main/roles/app-server/publish-result.ts'
import type { Verdict } from '../../../../src/main/roles/app-server/verdict.ts'
import { LmdbDeadDeviceStore } from '../../../../src/main/store/dead-devices.ts'
import type { NodeLimits } from '../../../../src/main/store/node-ports.ts'
import type { LmdbNodeStore } from '../../../../src/main/store/nodes.ts'
import { publishIq } from '../../../../src/sandbox/stanzas.ts'
import { oneServer } from '../../../support/one-server.ts'
import { openNodes, openStore, scratchDirectory } from '../../store/open-store.ts'

/** Push nodes are made and needed here. */
export const pubsubHost = 'pubsub.chat.test'
/** Any node name is good here. */
export const virtualHost = 'virtual.chat.test'
/** Nodes can be managed here, publishes need none. */
export const shadowedHost = 'shadowed.chat.test'

export const alice = 'alice@chat.test/phone'
export const bob = 'bob@chat.test/phone'
/** The XMPP server itself, as it publishes. */
export const chatServer = 'chat.test'

export const nowMs = 1_700_000_000_000

export const defaultContent: ContentOptions = {
  defaultTitle: 'New message',
  defaultBody: 'You have a new message',
  includeSender: true,
  includeBody: true,
  sender: 'full',
  onMissing: 'default',
  onEmpty: 'silent',
}

export interface Setting {
  readonly content?: Partial<ContentOptions>
  /** For every domain. */
  readonly publishers?: AppServerDomain['publishers']
  readonly tags?: readonly string[]
  readonly targets?: AppServerOptions['targets']
  readonly nodeLimits?: Partial<NodeLimits>
  /** For every domain. */
  readonly nodeOwners?: AppServerDomain['nodeOwners']
}

export function optionsFor(setting: Setting = {}): AppServerOptions {
  const { publishers = 'any', tags = [], nodeOwners = 'any' } = setting
  return {
    version: '1.2.3',
    domains: [
      { domain: pubsubHost, pubsub: true, virtual: false, publishers, tags, nodeOwners },
      { domain: virtualHost, pubsub: false, virtual: true, publishers, tags, nodeOwners },
      { domain: shadowedHost, pubsub: true, virtual: true, publishers, tags, nodeOwners },
      { domain: 'closed.chat.test', pubsub: false, virtual: false, publishers, tags, nodeOwners },
    ],
    servers: oneServer(pubsubHost, virtualHost, shadowedHost, 'closed.chat.test'),
    content: { ...defaultContent, ...setting.content },
    targets: setting.targets,
    nodeLimits: { perOwner: 128, perHost: 1_000_000, inAll: 5_000_000, ...setting.nodeLimits },
  }
}

/** The role on a real store of its own, gone when the test's scope ends. */
export async function startAppServer(setting: Setting = {}) {
  const directory = scratchDirectory()
  const environment = await openStore(directory.path)
  const nodes = openNodes(environment)
  const deadDevices = new LmdbDeadDeviceStore(environment, { ttlS: 1000, nowMs: () => nowMs })
  const options = optionsFor(setting)
  const metrics = new Metrics(
    '1.2.3',
    options.domains.map(({ domain }) => domain),
  )
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const accountsGone: string[] = []
  const server = new AppServer(options, {
    nodes,
    deadDevices,
    metrics,
    log,
    nowMs: () => nowMs,
    accountGone: (account) => void accountsGone.push(account),
  })
  return new AppServerAtWork(server, nodes, deadDevices, metrics, accountsGone, logged, async () => {
    await environment.close()
    directory[Symbol.dispose]()
  })
}

export class AppServerAtWork implements AsyncDisposable {
  readonly server: AppServer
  readonly nodes: LmdbNodeStore
  readonly deadDevices: LmdbDeadDeviceStore
  readonly metrics: Metrics
  /** Told to others. */
  readonly accountsGone: string[]
  /** What the log was told, from warnings up. */
  readonly logged: readonly Record<string, unknown>[]
  readonly #close: () => Promise<void>

  constructor(
    server: AppServer,
    nodes: LmdbNodeStore,
    deadDevices: LmdbDeadDeviceStore,
    metrics: Metrics,
    accountsGone: string[],
    logged: readonly Record<string, unknown>[],
    close: () => Promise<void>,
  ) {
    this.server = server
    this.nodes = nodes
    this.deadDevices = deadDevices
    this.metrics = metrics
    this.accountsGone = accountsGone
    this.logged = logged
    this.#close = close
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }

  /** The verdict on a stanza as it stands in a component's stream. */
  verdict(xml: string, domain = pubsubHost): Verdict {
    return this.server.handle(domain, parseStanza(xml))
  }

  /** The text of the answer, now or later. */
  async answerText(xml: string, domain = pubsubHost): Promise<string> {
    const verdict = this.verdict(xml, domain)
    if (verdict.kind === 'list') return verdict.make()
    if (verdict.kind !== 'answer' && verdict.kind !== 'later') throw new Error(`no answer: ${verdict.kind}`)
    return verdict.stanza
  }

  async answer(xml: string, domain = pubsubHost): Promise<Element> {
    return parseStanza(await this.answerText(xml, domain))
  }

  /** What a request of `from` to `host` is answered: `result` or `type/condition [other conditions]`. */
  async ask(from: string, type: 'get' | 'set', payload: string, host = pubsubHost): Promise<string> {
    const xml = `<iq from='${from}' to='${host}' id='1' type='${type}'>${payload}</iq>`
    return summaryOfAnswer(await this.answer(xml, host))
  }

  /** The payload of the result that a request of `from` to `host` is answered with. */
  async query(from: string, payload: string, host = pubsubHost): Promise<Element> {
    const answer = await this.answer(
      `<iq from='${from}' to='${host}' id='1' type='get'>${payload}</iq>`,
      host,
    )
    const child = answer.firstChild()
    if (answer.attr('type') !== 'result' || child === undefined) throw new Error(summaryOfAnswer(answer))
    return child
  }

  async create(
    from: string,
    node: string,
    host = pubsubHost,
    config?: Record<string, string>,
  ): Promise<string> {
    const configure = config === undefined ? '' : `<configure>${configForm(config)}</configure>`
    return this.ask(from, 'set', pubsub(`<create node='${node}' type='push'/>${configure}`), host)
  }

  /** What becomes of a publish: `push`, or its answer as `ask` gives it. */
  publish(change: PublishChange = {}): string {
    const verdict = this.verdict(publish(change), change.to ?? virtualHost)
    if (verdict.kind === 'push') return 'push'
    if (verdict.kind !== 'answer') throw new Error(`no answer: ${verdict.kind}`)
    return summaryOfAnswer(parseStanza(verdict.stanza))
  }

  /** What a refused (or dropped) publish is counted as. */
  result(change: PublishChange): PublishResult | undefined {
    const verdict = this.verdict(publish(change), change.to ?? virtualHost)
    return verdict.kind === 'answer' ? verdict.publish?.result : undefined
  }

  /** The notification that a publish becomes. */
  notification(change: PublishChange = {}): Notification {
    const verdict = this.verdict(publish(change), change.to ?? virtualHost)
    if (verdict.kind !== 'push') throw new Error(`no push: ${JSON.stringify(verdict)}`)
    return verdict.notification
  }
}

export type PublishChange = Partial<Parameters<typeof publishIq>[0]>

export const phone: Device = { service: 'fcm', mode: undefined, id: 'tok-1' }
export const phoneOptions = { service: 'fcm', device_id: 'tok-1' }

/** A publish that passes every check on a virtual host, and what is changed about it. */
export function publish(change: PublishChange = {}): string {
  return publishIq({
    id: 'p1',
    from: chatServer,
    to: virtualHost,
    node: 'n1',
    options: phoneOptions,
    summary: { 'message-count': '2', 'last-message-sender': 'bob@chat.test', 'last-message-body': 'Hi' },
    ...change,
  })
}

export function pubsub(xml: string): string {
  return `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${xml}</pubsub>`
}

export function pubsubOwner(xml: string): string {
  return `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>${xml}</pubsub>`
}

export function configForm(config: Record<string, string>, type = 'submit'): string {
  let xml = `<x xmlns='jabber:x:data' type='${type}'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#node_config</value></field>`
  for (const [name, value] of Object.entries(config)) {
    xml += `<field var='pubsub#${name}'><value>${value}</value></field>`
  }
  return `${xml}</x>`
}

/** `result`, or `type/condition` and whatever stands beside the condition but its text. */
export function summaryOfAnswer(iq: Element): string {
  if (iq.attr('type') === 'result') return 'result'
  const error = iq.child('error', 'jabber:component:accept')
  if (error === undefined) throw new Error('neither result nor error')
  const conditions = error
    .elements()
    .filter(({ name }) => name !== 'text')
    .map((condition) => {
      const feature = condition.attr('feature')
      return feature === undefined ? condition.name : `${condition.name}(${feature})`
    })
  return `${error.attr('type')}/${conditions.join(' ')}`
}

/** The text of an error answer, '' when it has none. */
export function errorText(iq: Element): string {
  const error = iq.child('error', 'jabber:component:accept')
  return error?.child('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')?.text() ?? ''
}

export function parseStanza(xml: string): Element {
  const [stanza] = parseStanzas(xml)
  if (stanza === undefined) throw new Error('no stanza')
  return stanza
}

/** The stanzas of a text as they would come out of a component's stream. */
export function parseStanzas(xml: string): Element[] {
  const root = new Element('stream', 'http://etherx.jabber.org/streams')
  const open = [root]
  const parser = new SaxesParser({ xmlns: true })
  parser.on('opentag', (tag) => {
    const attributes = Object.entries(tag.attributes).flatMap(([name, { value }]) => [name, value])
    const element = new Element(tag.local, tag.uri, attributes)
    if (open.length > 0 && tag.name !== 'stream:stream') open.at(-1)?.children.push(element)
    if (tag.name !== 'stream:stream') open.push(element)
  })
  parser.on('closetag', () => {
    open.pop()
  })
  parser.on('text', (text) => {
    if (open.length > 1) open.at(-1)?.children.push(text)
  })
  parser.on('error', (error) => {
    throw error
  })
  parser.write(
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>",
  )
  parser.write(xml).write('</stream:stream>').close()
  return root.elements()
}
