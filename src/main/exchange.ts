/**
 * Where requests meet verdicts: a stanza goes to its role, the role's verdict is carried out (an answer
 * written, a notification submitted), and an outcome becomes the answer to the publish it belongs to. A publish
 * over HTTP takes the same way.
 */
import type { Notification } from '../core/notification.ts'
import type { Outcome, OutcomeSink } from '../core/outcome.ts'
import { stanzaErrors } from '../core/stanza-error.ts'
import type { Element } from '../core/xml/element.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import { eventsOverHttp } from './dispatch/domain-loads.ts'
import type { PublishEnd } from './http/ports.ts'
import type { Metrics } from './metrics/table.ts'
import { PublishMeter } from './publish-meter.ts'
import type { RecentOutcome } from './recent-outcomes.ts'
import { answerOf } from './roles/app-server/answer-publish.ts'
import { type AppServer, answerOverload, answerPublish } from './roles/app-server/app-server.ts'
import type { PublishInput } from './roles/app-server/publish-input.ts'
import type { PublishRequest } from './roles/app-server/publish-request.ts'
import { isForXmppServer } from './roles/role-of.ts'
import type { XmppServer } from './roles/xmpp-server/xmpp-server.ts'
import type { StanzaSink } from './xmpp/ports.ts'

export interface ExchangePorts {
  readonly appServer: AppServer
  readonly xmppServer: Pick<XmppServer, 'handle'>
  readonly dispatcher: Dispatcher
  readonly metrics: Metrics
  /** Milliseconds that never jump, with fractions. */
  readonly monotonicMs: () => number
}

export class Exchange {
  readonly #ports: ExchangePorts
  readonly #meters = new Map<string, PublishMeter>()
  /** Answers that wait for the store. */
  readonly #later = new Set<Promise<void>>()

  constructor(ports: ExchangePorts) {
    this.#ports = ports
  }

  /** Takes every stanza of every stream: the streams' `StanzaHandler`. */
  handle(domain: string, stanza: Element, answerTo: StanzaSink): void {
    const { appServer, xmppServer, dispatcher } = this.#ports
    const startedMs = this.#ports.monotonicMs()
    const own = isForXmppServer(stanza) ? xmppServer.handle(domain, stanza) : undefined
    const verdict = own ?? appServer.handle(domain, stanza)
    switch (verdict.kind) {
      case 'push': {
        const { notification, request } = verdict
        const answer = new PublishAnswer(this, request, notification, answerTo, startedMs)
        if (!dispatcher.submit(notification, answer, domain)) answer.refuse()
        return
      }
      case 'answer':
        answerTo.send(verdict.stanza)
        if (verdict.publish !== undefined) {
          const { publish } = verdict
          this.#answered(publish.domain, publish.node, publish.result, startedMs)
        }
        return
      case 'later': {
        const answered = verdict.stanza.then((answer) => {
          this.#later.delete(answered)
          answerTo.send(answer)
        })
        this.#later.add(answered)
        return
      }
      case 'taken':
      case 'drop':
        return
    }
    verdict satisfies never
  }

  /** Resolves when every request that waited for the store is answered. */
  async storeAnswered(): Promise<void> {
    await Promise.all(this.#later)
  }

  /** Whether the push of an event over HTTP would be taken on now. */
  get hasRoomForEvents(): boolean {
    return this.#ports.dispatcher.hasRoom(eventsOverHttp)
  }

  /**
   * One publish without XMPP; undefined: its domain is not served. `from`: where it came in when not on its own domain;
   * '': as an event over HTTP. Never rejects.
   */
  async publish(input: PublishInput, from = input.domain): Promise<PublishEnd | undefined> {
    if (!this.#ports.appServer.serves(input.domain)) return undefined
    const startedMs = this.#ports.monotonicMs()
    const end = await this.#publish(input, from || eventsOverHttp)
    this.#answered(input.domain, input.node, end.result, startedMs)
    return end
  }

  async #publish(input: PublishInput, from: string): Promise<PublishEnd> {
    const { appServer, dispatcher } = this.#ports
    const verdict = appServer.checkPublish(input)
    switch (verdict.kind) {
      case 'refused':
        return { error: verdict.error, result: verdict.check }
      case 'done':
        return { error: undefined, result: 'dropped' }
      case 'push': {
        const { promise, resolve } = Promise.withResolvers<Outcome>()
        if (!dispatcher.submit(verdict.notification, { settle: resolve }, from)) {
          return { error: stanzaErrors.resourceConstraint, result: 'rejected_no_room' }
        }
        return answerOf(await promise)
      }
    }
  }

  /** The outcome of a stanza's publish is known and its answer sent. */
  settled(notification: Notification, result: PublishEnd['result'], startedMs: number): void {
    this.#answered(notification.domain, notification.node, result, startedMs)
  }

  /** What became of the last publishes to a node, newest first. */
  recent(domain: string, node: string): RecentOutcome[] {
    return this.#meters.get(domain)?.recent(node) ?? []
  }

  meter(domain: string): PublishMeter {
    const known = this.#meters.get(domain)
    if (known !== undefined) return known
    const meter = new PublishMeter(this.#ports.metrics, domain)
    this.#meters.set(domain, meter)
    return meter
  }

  #answered(domain: string, node: string, result: PublishEnd['result'], startedMs: number): void {
    this.meter(domain).answered(result, node, this.#ports.monotonicMs() - startedMs)
  }
}

/** Waits for the outcome of one publish stanza and answers it. */
class PublishAnswer implements OutcomeSink {
  readonly #exchange: Exchange
  readonly #request: PublishRequest
  readonly #notification: Notification
  readonly #answerTo: StanzaSink
  readonly #startedMs: number

  constructor(
    exchange: Exchange,
    request: PublishRequest,
    notification: Notification,
    answerTo: StanzaSink,
    startedMs: number,
  ) {
    this.#exchange = exchange
    this.#request = request
    this.#notification = notification
    this.#answerTo = answerTo
    this.#startedMs = startedMs
  }

  settle(outcome: Outcome): void {
    this.#send(answerPublish(this.#request, outcome))
  }

  refuse(): void {
    this.#send(answerOverload(this.#request))
  }

  #send({ stanza, result }: ReturnType<typeof answerPublish>): void {
    this.#answerTo.send(stanza)
    this.#exchange.settled(this.#notification, result, this.#startedMs)
  }
}
