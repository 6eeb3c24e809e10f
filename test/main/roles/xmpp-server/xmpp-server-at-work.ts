import { pino } from 'pino'
import type { Element } from '../../../../src/core/xml/element.ts'
import { escapeXml } from '../../../../src/core/xml/escape.ts'
import { Metrics } from '../../../../src/main/metrics/table.ts'
import type { PublishInput } from '../../../../src/main/roles/app-server/publish-input.ts'
import { isForXmppServer } from '../../../../src/main/roles/role-of.ts'
import { loadPlugin } from '../../../../src/main/roles/xmpp-server/load-plugin.ts'
import type { XmppServerOptions } from '../../../../src/main/roles/xmpp-server/options.ts'
import type { MessageEvent } from '../../../../src/main/roles/xmpp-server/plugin.ts'
import type { PublishHereEnd } from '../../../../src/main/roles/xmpp-server/publisher.ts'
import type { XmppServerVerdict } from '../../../../src/main/roles/xmpp-server/verdict.ts'
import { XmppServer } from '../../../../src/main/roles/xmpp-server/xmpp-server.ts'
import { LmdbDeadDeviceStore } from '../../../../src/main/store/dead-devices.ts'
import type { Subscription } from '../../../../src/main/store/ports.ts'
import { LmdbSubscriptionStore } from '../../../../src/main/store/subscriptions.ts'
import { openStore, scratchDirectory } from '../../store/open-store.ts'
import { parseStanza, summaryOfAnswer } from '../app-server/app-server-at-work.ts'

/** The domain of ours that stanzas come in on. */
export const component = 'push.chat.test'
/** Publishes to it are pushes of our own. */
export const virtualHost = 'virtual.chat.test'
export const carol = 'carol@chat.test/r1'

export const startMs = 1_700_000_000_000

export interface Setting extends Partial<XmppServerOptions> {
  readonly plugin?: string
}

/** The role on a real store of its own, gone when the test's scope ends; time passes only as the test says. */
export async function startXmppServer({ plugin = 'defaults', ...options }: Setting = {}) {
  const directory = scratchDirectory()
  const environment = await openStore(directory.path)
  const subscriptions = new LmdbSubscriptionStore(environment)
  const clock = { nowMs: startMs }
  const deadDevices = new LmdbDeadDeviceStore(environment, { ttlS: 1000, nowMs: () => clock.nowMs })
  const metrics = new Metrics('1.2.3', [component], [], 0)
  const log: string[] = []
  const work = new XmppServerAtWork(subscriptions, deadDevices, metrics, log, clock, async () => {
    work.server.close()
    await environment.close()
    directory[Symbol.dispose]()
  })
  work.server = new XmppServer(
    {
      servedHosts: ['chat.test', 'other.test'],
      domains: [component, 'second.chat.test'],
      maxSubscriptionsPerUser: 32,
      dedupWindowMs: 300_000,
      pluginTimeoutMs: 100,
      content: { includeSender: true, includeBody: true },
      ...options,
    },
    {
      subscriptions,
      deadDevices,
      plugin: await loadPlugin(plugin),
      metrics,
      log: pino({}, { write: (line: string) => void log.push(line) }),
      nowMs: () => clock.nowMs,
      monotonicMs: () => clock.nowMs,
      random: () => 0.5,
      isVirtual: (domain) => domain === virtualHost,
      publishHere: (input) => work.publishHere(input),
      send: (domain, stanza) => work.send(domain, stanza),
    },
  )
  return work
}

export class XmppServerAtWork implements AsyncDisposable {
  server!: XmppServer
  readonly subscriptions: LmdbSubscriptionStore
  readonly deadDevices: LmdbDeadDeviceStore
  readonly metrics: Metrics
  readonly log: string[]
  readonly clock: { nowMs: number }
  /** What went to virtual hosts of ours. */
  readonly here: PublishInput[] = []
  /** What went out as stanzas, with the domain that sent each. */
  readonly sent: { domain: string; stanza: Element }[] = []
  /** What a publish to a virtual host comes to. */
  hereEnd: PublishHereEnd = { error: undefined, result: 'delivered' }
  hasStream = true
  readonly #close: () => Promise<void>

  constructor(
    subscriptions: LmdbSubscriptionStore,
    deadDevices: LmdbDeadDeviceStore,
    metrics: Metrics,
    log: string[],
    clock: { nowMs: number },
    close: () => Promise<void>,
  ) {
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

  async publishHere(input: PublishInput): Promise<PublishHereEnd> {
    this.here.push(input)
    return this.hereEnd
  }

  send(domain: string, stanza: string): boolean {
    if (this.hasStream) this.sent.push({ domain, stanza: parseStanza(stanza) })
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

  /** An event over HTTP; how many are notified. */
  async event(message: Partial<MessageEvent> = {}): Promise<number> {
    return this.server.take({ source: 'message', domain: '', message: { ...offline, ...message } })
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

export const offline: MessageEvent = {
  to: 'carol@chat.test',
  from: 'alice@chat.test/phone',
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
