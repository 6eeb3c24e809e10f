import { pino } from 'pino'
import type { Element } from '../../../../src/core/xml/element.ts'
import { escapeXml } from '../../../../src/core/xml/escape.ts'
import { Metrics } from '../../../../src/main/metrics/table.ts'
import type { PublishEnd, PublishSink } from '../../../../src/main/roles/app-server/publish-end.ts'
import type { PublishInput } from '../../../../src/main/roles/app-server/publish-input.ts'
import { isForXmppServer } from '../../../../src/main/roles/role-of.ts'
import type { EventEnd } from '../../../../src/main/roles/xmpp-server/event-end.ts'
import { loadPlugin } from '../../../../src/main/roles/xmpp-server/load-plugin.ts'
import type { XmppServerOptions } from '../../../../src/main/roles/xmpp-server/options.ts'
import type { MessageEvent } from '../../../../src/main/roles/xmpp-server/plugin.ts'
import type { XmppServerVerdict } from '../../../../src/main/roles/xmpp-server/verdict.ts'
import { XmppServer } from '../../../../src/main/roles/xmpp-server/xmpp-server.ts'
import { LmdbDeadDeviceStore } from '../../../../src/main/store/dead-devices.ts'
import type { Environment } from '../../../../src/main/store/environment.ts'
import type { Subscription } from '../../../../src/main/store/ports.ts'
import { LmdbPublishStore } from '../../../../src/main/store/publishes.ts'
import { StoreError } from '../../../../src/main/store/store-error.ts'
import { LmdbSubscriptionStore } from '../../../../src/main/store/subscriptions.ts'
import { oneServer } from '../../../support/one-server.ts'
import { openStore, scratchDirectory } from '../../store/open-store.ts'
import { parseStanza, summaryOfAnswer } from '../app-server/app-server-at-work.ts'

/** The domain of ours that stanzas come in on. */
export const component = 'push.chat.test'
/** Publishes to it are pushes of our own. */
export const virtualHost = 'virtual.chat.test'
export const carol = 'carol@chat.test/r1'

export const eventContent: XmppServerOptions['content'] = {
  includeSender: true,
  includeBody: true,
  language: '',
  encryptedBody: 'Encrypted message',
  invitationBody: 'Invitation to a group chat',
  sender: 'bare',
}

export const usualOptions: XmppServerOptions = {
  servedHosts: ['chat.test', 'other.test'],
  servers: oneServer(component, 'second.chat.test'),
  maxSubscriptionsPerUser: 32,
  dedupWindowMs: 300_000,
  pluginTimeoutMs: 100,
  lifetimeMs: 60_000,
  maxRemotePublishes: 1_000,
  content: eventContent,
}

export const startMs = 1_700_000_000_000

/** How a plugin is loaded that is not built in. */
export const ownPlugin = { memoryMb: 64, workingDirectory: process.cwd() }

export interface Setting extends Partial<XmppServerOptions> {
  readonly plugin?: string
  /** Where the store is, and stays; a directory of its own otherwise. */
  readonly dataDir?: string
}

/** The role on a real store of its own, gone when the test's scope ends; time passes only as the test says. */
export async function startXmppServer({ plugin = 'defaults', dataDir, ...options }: Setting = {}) {
  const decider = await loadPlugin({ ...ownPlugin, name: plugin })
  const directory = dataDir === undefined ? scratchDirectory() : undefined
  const environment = await openStore(dataDir ?? directory?.path ?? '')
  const subscriptions = new LmdbSubscriptionStore(environment)
  const clock = { nowMs: startMs }
  const deadDevices = new LmdbDeadDeviceStore(environment, { ttlS: 1000, nowMs: () => clock.nowMs })
  const metrics = new Metrics('1.2.3', [component], [], 0)
  const log: string[] = []
  const work = new XmppServerAtWork(
    environment,
    subscriptions,
    deadDevices,
    metrics,
    log,
    clock,
    async () => {
      await decider.stop()
      await work.server.stop()
      await environment.close()
      directory?.[Symbol.dispose]()
    },
  )
  work.server = new XmppServer(
    { ...usualOptions, ...options },
    {
      subscriptions,
      publishes: {
        add: (publish) => (work.refusesPublishes ? refused() : work.publishes.add(publish)),
        remove: (id) => (work.refusesPublishes ? refused().durable : work.publishes.remove(id)),
        all: () => work.publishes.all(),
      },
      deadDevices,
      plugin: decider,
      metrics,
      log: pino({}, { write: (line: string) => void log.push(line) }),
      nowMs: () => clock.nowMs,
      monotonicMs: () => clock.nowMs,
      random: () => 0.5,
      isVirtual: (domain) => domain === virtualHost,
      publishHere: (input, _from, sink) => work.publishHere(input, sink),
      hasRoom: (domain) => {
        if (work.room <= 0) work.server.holdBack(domain)
        return work.room > 0
      },
      hasStream: () => work.hasStream,
      send: (domain, stanza) => work.send(domain, stanza),
    },
  )
  work.server.start()
  return work
}

export class XmppServerAtWork implements AsyncDisposable {
  server!: XmppServer
  readonly environment: Environment
  readonly publishes: LmdbPublishStore
  readonly subscriptions: LmdbSubscriptionStore
  readonly deadDevices: LmdbDeadDeviceStore
  readonly metrics: Metrics
  readonly log: string[]
  readonly clock: { nowMs: number }
  /** What went to virtual hosts of ours. */
  readonly here: PublishInput[] = []
  /** What went out as stanzas, with the domain that sent each. */
  readonly sent: { domain: string; xml: string; stanza: Element }[] = []
  /** What a publish to a virtual host comes to. */
  hereEnd: PublishEnd = { error: undefined, result: 'delivered' }
  /** Pushes to virtual hosts that there is room for; without it the streams are held back. */
  room = Number.POSITIVE_INFINITY
  hasStream = true
  /** The disk takes no publishes. */
  refusesPublishes = false
  readonly #close: () => Promise<void>

  constructor(
    environment: Environment,
    subscriptions: LmdbSubscriptionStore,
    deadDevices: LmdbDeadDeviceStore,
    metrics: Metrics,
    log: string[],
    clock: { nowMs: number },
    close: () => Promise<void>,
  ) {
    this.environment = environment
    this.publishes = new LmdbPublishStore(environment, () => clock.nowMs)
    this.subscriptions = subscriptions
    this.deadDevices = deadDevices
    this.metrics = metrics
    this.log = log
    this.clock = clock
    this.#close = close
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }

  publishHere(input: PublishInput, sink: PublishSink): void {
    this.here.push(input)
    if (--this.room === 0) this.server.holdBack(component)
    const end = this.hereEnd
    queueMicrotask(() => sink.publishEnded(end))
  }

  send(domain: string, stanza: string): boolean {
    if (this.hasStream) this.sent.push({ domain, xml: stanza, stanza: parseStanza(stanza) })
    return this.hasStream
  }

  /** The verdict on a stanza as it stands in a component's stream; undefined: it is the App Server's. */
  verdict(xml: string, domain = component): XmppServerVerdict | undefined {
    const stanza = parseStanza(xml)
    return isForXmppServer(stanza) ? this.server.handle(domain, stanza) : undefined
  }

  async answerText(xml: string, domain = component): Promise<string> {
    const verdict = this.verdict(xml, domain)
    if (verdict?.kind !== 'answer' && verdict?.kind !== 'later')
      throw new Error(`no answer: ${verdict?.kind}`)
    return verdict.stanza
  }

  async answer(xml: string, domain = component): Promise<Element> {
    return parseStanza(await this.answerText(xml, domain))
  }

  /** What a direct request is answered: `result` or `type/condition`. */
  async ask(from: string, payload: string, type = 'set', domain = component): Promise<string> {
    const iq = `<iq from='${from}' to='${domain}' id='q1' type='${type}'>${payload}</iq>`
    return summaryOfAnswer(await this.answer(iq, domain))
  }

  async enable(user: string, jid: string, node: string, options?: Record<string, string>): Promise<void> {
    const answer = await this.ask(user, enable(jid, node, options))
    if (answer !== 'result') throw new Error(answer)
  }

  /** An event over HTTP, to its end. */
  async take(message: Partial<MessageEvent> = {}): Promise<EventEnd> {
    const incoming = { source: 'message', domain: '', message: { ...offline, ...message } } as const
    return new Promise((resolve) => this.server.take(incoming, resolve))
  }

  /** The same, until it is decided about; how many publishes went out. */
  async event(message: Partial<MessageEvent> = {}): Promise<number> {
    const before = this.here.length + this.sent.length
    void this.take(message)
    await this.server.decided()
    return this.here.length + this.sent.length - before
  }

  /** Resolves once the store has what was asked of it. */
  async settled(): Promise<void> {
    await new Promise(setImmediate)
    await this.environment.queue.write(() => undefined)
    // And whoever waited for that has heard of it.
    await new Promise(setImmediate)
  }

  /** The App Server's answer to the publish sent last: `result`, or an error as `type/condition`. */
  answerLast(verdict: string, from = 'remote.test'): void {
    const last = this.sent.at(-1)
    const id = last?.stanza.attr('id')
    const [type, condition] = verdict.split('/')
    const error = `<error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
    const payload = verdict === 'result' ? '' : `<pubsub xmlns='http://jabber.org/protocol/pubsub'/>${error}`
    const iqType = verdict === 'result' ? 'result' : 'error'
    this.verdict(`<iq type='${iqType}' id='${id}' from='${from}' to='${last?.domain}'>${payload}</iq>`)
  }

  stored(user: string): Pick<Subscription, 'jid' | 'node'>[] {
    return this.subscriptions.of(user).map(({ jid, node }) => ({ jid, node }))
  }

  /** The sum of a counter's children with these label values. */
  async count(name: string, labels: string): Promise<number> {
    const { body } = await this.metrics.render(undefined)
    const line = body.split('\n').find((one) => one.startsWith(`xmpp_pushd_${name}{${labels}}`))
    if (line === undefined) throw new Error(`no ${name}{${labels}}`)
    return Number(line.split(' ').at(-1))
  }
}

function refused() {
  return { id: 'refused', durable: Promise.reject(new StoreError('no-space', 'the disk is full')) }
}

export const offline: MessageEvent = {
  to: 'carol@chat.test',
  from: 'alice@chat.test/phone',
  sender: 'alice@chat.test',
  type: 'chat',
  body: 'off 🚀',
  id: 'f1',
  messageCount: undefined,
  kind: 'offline',
  session: undefined,
  stanza: undefined,
}

export const phoneOptions = { service: 'apns', device_id: 'tok123', topic: 'x' }

export function enable(jid: string, node: string, options?: Record<string, string>): string {
  const form = options === undefined ? '' : optionsForm(options)
  return `<enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${escapeXml(node)}'>${form}</enable>`
}

export function optionsForm(options: Record<string, string>): string {
  const fields = Object.entries(options).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  )
  return `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>${fields.join('')}</x>`
}

/** A form's fields, FORM_TYPE included. */
export function fieldsOf(form: Element | undefined): Record<string, string> {
  const fields = form?.elements('field', 'jabber:x:data') ?? []
  return Object.fromEntries(
    fields.map((field) => [field.attr('var'), field.child('value', 'jabber:x:data')?.text()]),
  )
}
