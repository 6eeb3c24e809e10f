/**
 * From a message event to the subscriptions that are notified of it: which kinds count, whose events, once only, and
 * what the plugin says. What comes of it is handed to the publisher at once. An event has ended when all its pushes are
 * safe, or one turned out not to be: then it may be told of again, and whoever is safe is left out.
 */
import { domainToUnicode } from 'node:url'
import type { Logger } from 'pino'
import { domainOfBare, hostKey, isInternational, normalDomain } from '../../../core/jid.ts'
import type { EventResult, EventSource, Metrics } from '../../metrics/table.ts'
import type { Subscription, SubscriptionStore } from '../../store/ports.ts'
import type { EventEnd, EventEnded, PushEnds, PushSafety } from './event-end.ts'
import { EventUnderWay, nameOf } from './event-under-way.ts'
import type { XmppServerOptions } from './options.ts'
import type { MessageEvent } from './plugin.ts'
import type { Decider, PluginDecision } from './plugin-decision.ts'
import { PluginError } from './plugin-error.ts'
import { type SeenEvent, SeenEvents } from './seen-events.ts'
import { completeEvent, type ToldMessage } from './told-message.ts'

/** An event as it came in. */
export interface IncomingEvent {
  readonly source: EventSource
  /** The domain of ours that it came in on; '' when it came over HTTP. */
  readonly domain: string
  /** What is not a kind that is ever pushed has none. */
  readonly message: ToldMessage | undefined
}

export interface IntakePorts {
  readonly subscriptions: SubscriptionStore
  readonly plugin: Decider
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds that never jump. */
  readonly monotonicMs: () => number
  /** Sends one notification on its way. Must not throw. */
  readonly notify: (
    subscription: Subscription,
    summary: readonly string[],
    domain: string,
    ends: PushEnds,
  ) => void
}

/** Events remembered, a few hundred bytes each; what a busy server sends in five minutes. */
const maxSeenEvents = 200_000
/** Events that a slow plugin may have under consideration at once. */
const maxAskedEvents = 10_000
/** A faulty plugin fails at every event: one line in this time says so. */
const faultLogIntervalMs = 10_000

export class EventIntake {
  readonly #ports: IntakePorts
  readonly #seen = new SeenEvents(maxSeenEvents)
  #options: XmppServerOptions
  #served: ReadonlySet<string>
  /** Events that the plugin has not decided about. */
  readonly #asked = new Set<Promise<unknown>>()
  readonly #pushesEndedBound = (event: EventUnderWay) => this.#pushesEnded(event)
  #faultLoggedMs = Number.NEGATIVE_INFINITY

  constructor(options: XmppServerOptions, ports: IntakePorts) {
    this.#options = options
    this.#served = new Set(options.servedHosts.map(normalDomain))
    this.#ports = ports
    ports.plugin.watch((err) => {
      ports.metrics.pluginRestarts.child().add(1)
      ports.log.error(
        { err },
        'the thread of the plugin ended and is restarted: the defaults decide until it is up',
      )
    })
  }

  reconfigure(options: XmppServerOptions): void {
    this.#options = options
    this.#served = new Set(options.servedHosts.map(normalDomain))
  }

  isServed(host: string): boolean {
    return this.#served.has(hostKey(host))
  }

  /** Whether events are to wait: so many are under consideration. */
  get full(): boolean {
    return this.#asked.size >= maxAskedEvents || this.#ports.plugin.full
  }

  /** Resolves when the plugin has decided about all events so far, or its time is over. */
  async decided(): Promise<void> {
    await Promise.all(this.#asked)
  }

  /** Never throws. */
  take(incoming: IncomingEvent, ended: EventEnded): void {
    const { message } = incoming
    if (message === undefined || !this.isServed(domainOfBare(message.to))) {
      ended(this.#end(incoming, 'skipped'))
      return
    }
    let all: readonly Subscription[]
    try {
      all = this.#subscriptionsOf(message.to)
    } catch (error) {
      ended(this.#failed(incoming, error))
      return
    }
    if (all.length === 0) ended(this.#end(incoming, 'skipped'))
    else this.#meet(incoming, message, all, ended)
  }

  /** The host in the spelling of the user's server; the source of the event may spell it differently. */
  #subscriptionsOf(user: string): readonly Subscription[] {
    const { subscriptions } = this.#ports
    const all = subscriptions.of(user)
    const host = domainOfBare(user)
    if (all.length > 0 || !isInternational(host)) return all
    const local = user.slice(0, user.length - host.length)
    const inAscii = hostKey(host)
    return subscriptions.of(local + (inAscii === host ? domainToUnicode(host) : inAscii))
  }

  #meet(
    incoming: IncomingEvent,
    message: ToldMessage,
    all: readonly Subscription[],
    ended: EventEnded,
  ): void {
    const { monotonicMs, metrics } = this.#ports
    if (this.full) {
      metrics.limitsHit.child('plugin_events').add(1)
      ended(this.#end(incoming, 'failed', 'no-room'))
      return
    }
    const meeting = this.#seen.meet(message, monotonicMs(), this.#options.dedupWindowMs)
    if (meeting.kind === 'duplicate') {
      this.#duplicate(incoming, meeting.seen, ended)
      return
    }
    const { seen, forgets } = meeting
    if (forgets) metrics.limitsHit.child('dedup_events').add(1)
    const open = seen?.hasNotified === true ? all.filter((one) => !seen.isNotified(nameOf(one))) : all
    if (seen !== undefined && open.length === 0) {
      this.#seen.ended(seen, 'safe')
      this.#duplicate(incoming, seen, ended)
      return
    }
    const event = completeEvent(message, this.#options.content)
    this.#decide(new EventUnderWay(incoming, seen, ended, this.#pushesEndedBound), event, open)
  }

  #decide(event: EventUnderWay, message: MessageEvent, open: readonly Subscription[]): void {
    try {
      const decision = this.#ports.plugin.decide(message, open, this.#options.pluginTimeoutMs)
      if (decision instanceof Promise) this.#await(event, decision)
      else this.#notify(event, decision)
    } catch (error) {
      this.#over(event, this.#failed(event, error))
    }
  }

  #await(event: EventUnderWay, decision: Promise<PluginDecision>): void {
    const asked = decision
      .then((decided) => this.#notify(event, decided))
      .catch((error: unknown) => this.#over(event, this.#failed(event, error)))
      .finally(() => this.#asked.delete(asked))
    this.#asked.add(asked)
  }

  #notify(event: EventUnderWay, { chosen, summary, hasCut, byDefault }: PluginDecision): void {
    if (hasCut) this.#ports.metrics.limitsHit.child('push_text').add(1)
    if (byDefault) this.#ports.metrics.pluginFailures.child('gone').add(1)
    if (chosen.length === 0) {
      this.#over(event, this.#end(event, 'skipped'))
      return
    }
    event.begin(chosen.length)
    for (const subscription of chosen) {
      event.seen?.notify(nameOf(subscription))
      try {
        this.#ports.notify(subscription, summary, event.domain, event)
      } catch (error) {
        this.#complain(error)
        event.pushEnded(subscription, 'undelivered')
      }
    }
  }

  #pushesEnded(event: EventUnderWay): void {
    const { notified, safety } = event
    this.#end(event, safety === 'safe' ? 'notified' : 'failed')
    this.#over(event, { notified, safety })
  }

  #over({ seen, ended }: EventUnderWay, end: EventEnd): void {
    if (seen !== undefined) this.#seen.ended(seen, end.safety)
    ended(end)
  }

  /** Its end is that of what it was said first of. `seen` undefined: that was safe. */
  #duplicate(incoming: IncomingEvent, seen: SeenEvent | undefined, ended: EventEnded): void {
    const end = this.#end(incoming, 'duplicate')
    if (seen === undefined) ended(end)
    else seen.whenEnded((safety) => ended({ notified: 0, safety }))
  }

  /** A plugin's fault is an end, since it would be the same again. */
  #failed(of: Pick<IncomingEvent, 'source'>, err: unknown): EventEnd {
    this.#complain(err)
    return this.#end(of, 'failed', err instanceof PluginError ? 'safe' : 'undelivered')
  }

  #complain(err: unknown): void {
    const { metrics, log, monotonicMs } = this.#ports
    const byPlugin = err instanceof PluginError
    if (byPlugin) metrics.pluginFailures.child(err.failure).add(1)
    const nowMs = monotonicMs()
    if (nowMs - this.#faultLoggedMs < faultLogIntervalMs) return
    this.#faultLoggedMs = nowMs
    if (byPlugin) log.error({ err }, 'the plugin failed: nobody was notified')
    else log.error({ err }, 'an event cannot be handled: nobody was notified')
  }

  #end(
    { source }: Pick<IncomingEvent, 'source'>,
    result: EventResult,
    safety: PushSafety = 'safe',
  ): EventEnd {
    this.#ports.metrics.events.child(source, result).add(1)
    return safety === 'safe' ? nobody : { notified: 0, safety }
  }
}

const nobody: EventEnd = { notified: 0, safety: 'safe' }
