/**
 * From a message event to the subscriptions that are notified of it: which kinds count, whose events, once only, and
 * what the plugin says. What comes of it is handed to the publisher at once. An event has ended when all its pushes are
 * safe, or one turned out not to be: then it may be told of again, and whoever is safe is left out.
 */
import type { Logger } from 'pino'
import { domainOfBare } from '../../../core/jid.ts'
import type { EventResult, EventSource, Metrics } from '../../metrics/table.ts'
import type { Subscription, SubscriptionStore } from '../../store/ports.ts'
import { askPlugin, type PluginDecision } from './ask-plugin.ts'
import { type EventEnd, type PushSafety, safetyOfAll } from './event-end.ts'
import type { CompletePlugin } from './load-plugin.ts'
import type { XmppServerOptions } from './options.ts'
import type { MaybePromise, MessageEvent } from './plugin.ts'
import { PluginError } from './plugin-error.ts'
import { type SeenEvent, SeenEvents } from './seen-events.ts'

/** An event as it came in. */
export interface IncomingEvent {
  readonly source: EventSource
  /** The domain of ours that it came in on; '' when it came over HTTP. */
  readonly domain: string
  /** What is not a kind that is ever pushed has none. */
  readonly message: MessageEvent | undefined
}

export interface IntakePorts {
  readonly subscriptions: SubscriptionStore
  readonly plugin: CompletePlugin
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds that never jump. */
  readonly monotonicMs: () => number
  /** Sends one notification on its way. Must not throw or reject. */
  readonly notify: (
    subscription: Subscription,
    summary: readonly string[],
    domain: string,
  ) => MaybePromise<PushSafety>
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
  #faultLoggedMs = Number.NEGATIVE_INFINITY

  constructor(options: XmppServerOptions, ports: IntakePorts) {
    this.#options = options
    this.#served = new Set(options.servedHosts)
    this.#ports = ports
  }

  reconfigure(options: XmppServerOptions): void {
    this.#options = options
    this.#served = new Set(options.servedHosts)
  }

  isServed(host: string): boolean {
    return this.#served.has(host)
  }

  /** Whether events are to wait: so many are under consideration. */
  get full(): boolean {
    return this.#asked.size >= maxAskedEvents
  }

  /** Resolves when the plugin has decided about all events so far, or its time is over. */
  async decided(): Promise<void> {
    await Promise.all(this.#asked)
  }

  /** Never throws or rejects. */
  take(incoming: IncomingEvent): MaybePromise<EventEnd> {
    const { message } = incoming
    if (message === undefined || !this.#served.has(domainOfBare(message.to))) {
      return this.#end(incoming, 'skipped')
    }
    try {
      return this.#meet(incoming, message)
    } catch (error) {
      return this.#failed(incoming, error)
    }
  }

  #meet(incoming: IncomingEvent, message: MessageEvent): MaybePromise<EventEnd> {
    const { subscriptions, monotonicMs, metrics } = this.#ports
    const all = subscriptions.of(message.to)
    if (all.length === 0) return this.#end(incoming, 'skipped')
    if (this.full) {
      metrics.limitsHit.child('plugin_events').add(1)
      return this.#end(incoming, 'failed', 'no-room')
    }
    const meeting = this.#seen.meet(message, monotonicMs(), this.#options.dedupWindowMs)
    if (meeting.kind === 'duplicate') return this.#duplicate(incoming, meeting.safety)
    const { seen, forgets } = meeting
    if (forgets) metrics.limitsHit.child('dedup_events').add(1)
    const open = seen === undefined ? all : all.filter((one) => !seen.isNotified(nameOf(one)))
    const end =
      open.length === 0
        ? this.#duplicate(incoming, seen?.safety ?? 'safe')
        : this.#decide(incoming, message, open, seen)
    if (seen !== undefined) this.#seen.endsWith(seen, end)
    return end
  }

  #decide(
    incoming: IncomingEvent,
    message: MessageEvent,
    open: readonly Subscription[],
    seen: SeenEvent | undefined,
  ): MaybePromise<EventEnd> {
    let decision: MaybePromise<PluginDecision>
    try {
      decision = askPlugin(this.#ports.plugin, message, open, this.#options.pluginTimeoutMs)
    } catch (error) {
      return this.#failed(incoming, error)
    }
    if (!(decision instanceof Promise)) return this.#notify(incoming, message, decision, seen)
    const asked = decision.catch(() => undefined).finally(() => this.#asked.delete(asked))
    this.#asked.add(asked)
    return decision
      .then((decided) => this.#notify(incoming, message, decided, seen))
      .catch((error: unknown) => this.#failed(incoming, error))
  }

  #notify(
    incoming: IncomingEvent,
    { session }: MessageEvent,
    { chosen, summary }: PluginDecision,
    seen: SeenEvent | undefined,
  ): MaybePromise<EventEnd> {
    if (chosen.length === 0) return this.#end(incoming, 'skipped')
    const pushes = chosen.map((subscription) => {
      seen?.notify(nameOf(subscription))
      return this.#ports.notify(subscription, summary, incoming.domain)
    })
    return Promise.all(pushes).then((safeties) => {
      chosen.forEach((subscription, i) => {
        if (safeties[i] !== 'safe') seen?.reopen(session, nameOf(subscription))
      })
      const safety = safetyOfAll(safeties)
      this.#end(incoming, safety === 'safe' ? 'notified' : 'failed')
      return { notified: chosen.length, safety }
    })
  }

  /** Its end is that of what it was said first of. */
  #duplicate(incoming: IncomingEvent, safety: MaybePromise<PushSafety>): MaybePromise<EventEnd> {
    const end = this.#end(incoming, 'duplicate')
    return safety === 'safe' ? end : Promise.resolve(safety).then((known) => ({ notified: 0, safety: known }))
  }

  /** A plugin's fault is an end, since it would be the same again. */
  #failed(incoming: IncomingEvent, err: unknown): EventEnd {
    const { metrics, log, monotonicMs } = this.#ports
    const byPlugin = err instanceof PluginError
    if (byPlugin) metrics.pluginFailures.child(err.failure).add(1)
    const nowMs = monotonicMs()
    if (nowMs - this.#faultLoggedMs >= faultLogIntervalMs) {
      this.#faultLoggedMs = nowMs
      if (byPlugin) log.error({ err }, 'the plugin failed: nobody was notified')
      else log.error({ err }, 'an event cannot be handled: nobody was notified')
    }
    return this.#end(incoming, 'failed', byPlugin ? 'safe' : 'undelivered')
  }

  #end({ source }: IncomingEvent, result: EventResult, safety: PushSafety = 'safe'): EventEnd {
    this.#ports.metrics.events.child(source, result).add(1)
    return safety === 'safe' ? nobody : { notified: 0, safety }
  }
}

const nobody: EventEnd = { notified: 0, safety: 'safe' }

function nameOf({ jid, node }: Subscription): string {
  return `${jid}\0${node}`
}
