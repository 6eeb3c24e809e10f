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
import { ListsUnderWay } from './lists-under-way.ts'
import type { Metrics } from './metrics/table.ts'
import { PublishMeter } from './publish-meter.ts'
import type { RecentOutcome } from './recent-outcomes.ts'
import { answerOf } from './roles/app-server/answer-publish.ts'
import { type AppServer, answerOverload, answerPublish } from './roles/app-server/app-server.ts'
import type { PublishEnd, PublishSink } from './roles/app-server/publish-end.ts'
import type { PublishInput } from './roles/app-server/publish-input.ts'
import type { PublishRequest } from './roles/app-server/publish-request.ts'
import type { PublishResult } from './roles/app-server/publish-result.ts'
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
  readonly #lists: ListsUnderWay
  /** Answers that wait for the store. */
  readonly #later = new Set<Promise<void>>()

  constructor(ports: ExchangePorts) {
    this.#ports = ports
    this.#lists = new ListsUnderWay(ports.metrics)
  }

  /** Takes every stanza of every stream: the streams' `StanzaHandler`. */
  handle(domain: string, stanza: Element, answerTo: StanzaSink): void {
    const { appServer, xmppServer, dispatcher } = this.#ports
    const startedMs = this.#ports.monotonicMs()
    const own = isForXmppServer(stanza) ? xmppServer.handle(domain, stanza) : undefined
    const verdict = own ?? appServer.handle(domain, stanza)
    switch (verdict.kind) {
      case 'push': {
        const { notification, sender, request } = verdict
        const answer = new PublishAnswer(this, request, notification, answerTo, startedMs)
        if (!dispatcher.submit(notification, answer, domain, sender)) answer.refuse()
        return
      }
      case 'answer': {
        const { publish } = verdict
        if (publish === undefined) {
          answerTo.answerQuery(verdict.stanza, undefined)
          return
        }
        answerTo.send(verdict.stanza)
        this.settled(publish.domain, publish.node, publish.result, startedMs)
        return
      }
      case 'list':
        this.#lists.take(verdict, answerTo)
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
   * One publish without XMPP. `from`: where it came in when not on its own domain; '': as an event over HTTP. Never
   * throws.
   */
  publish(input: PublishInput, from: string, sink: PublishSink): void {
    const { appServer, dispatcher } = this.#ports
    if (!appServer.serves(input.domain)) {
      sink.publishEnded(undefined)
      return
    }
    const answer = new InputAnswer(this, input, sink, this.#ports.monotonicMs())
    const verdict = appServer.checkPublish(input)
    switch (verdict.kind) {
      case 'refused':
        answer.end({ error: verdict.error, result: verdict.check })
        return
      case 'done':
        answer.end({ error: undefined, result: 'dropped' })
        return
      case 'push': {
        const { notification, sender } = verdict
        if (!dispatcher.submit(notification, answer, from || eventsOverHttp, sender, from !== '')) {
          answer.end({ error: stanzaErrors.overload, result: 'rejected_no_room' })
        }
        return
      }
    }
    verdict satisfies never
  }

  /** The end of a publish to this node is known, and told. */
  settled(domain: string, node: string, result: PublishResult, startedMs: number): void {
    this.meter(domain).answered(result, node, this.#ports.monotonicMs() - startedMs)
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
    const { domain, node } = this.#notification
    this.#exchange.settled(domain, node, result, this.#startedMs)
  }
}

/** Waits for the outcome of one publish that came in another way, and tells who asked. */
class InputAnswer implements OutcomeSink {
  readonly #exchange: Exchange
  readonly #input: PublishInput
  readonly #sink: PublishSink
  readonly #startedMs: number

  constructor(exchange: Exchange, input: PublishInput, sink: PublishSink, startedMs: number) {
    this.#exchange = exchange
    this.#input = input
    this.#sink = sink
    this.#startedMs = startedMs
  }

  settle(outcome: Outcome): void {
    this.end(answerOf(outcome))
  }

  end(end: PublishEnd): void {
    this.#exchange.settled(this.#input.domain, this.#input.node, end.result, this.#startedMs)
    this.#sink.publishEnded(end)
  }
}
