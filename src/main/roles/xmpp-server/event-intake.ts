/**
 * From a message event to the subscriptions that are notified of it: which kinds count, whose events, once only, and
 * what the plugin says. What comes of it is handed to the publisher at once; nobody waits for that.
 */
import type { Logger } from 'pino'
import { domainOfBare } from '../../../core/jid.ts'
import type { EventResult, EventSource, Metrics } from '../../metrics/table.ts'
import type { Subscription, SubscriptionStore } from '../../store/ports.ts'
import { askPlugin, type PluginDecision } from './ask-plugin.ts'
import type { CompletePlugin } from './load-plugin.ts'
import type { XmppServerOptions } from './options.ts'
import type { MaybePromise, MessageEvent } from './plugin.ts'
import { PluginError } from './plugin-error.ts'
import { SeenEvents } from './seen-events.ts'

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
  /** Sends one notification on its way. Must not throw. */
  readonly notify: (subscription: Subscription, summary: readonly string[], domain: string) => void
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

  /** How many subscriptions are notified. Never throws or rejects. */
  take(incoming: IncomingEvent): MaybePromise<number> {
    const { message } = incoming
    if (message === undefined || !this.#served.has(domainOfBare(message.to))) {
      return this.#end(incoming, 'skipped')
    }
    try {
      return this.#decide(incoming, message)
    } catch (error) {
      return this.#failed(incoming, error)
    }
  }

  #decide(incoming: IncomingEvent, message: MessageEvent): MaybePromise<number> {
    const { subscriptions, plugin, monotonicMs, metrics } = this.#ports
    const all = subscriptions.of(message.to)
    if (all.length === 0) return this.#end(incoming, 'skipped')
    if (this.full) {
      metrics.limitsHit.child('plugin_events').add(1)
      return this.#end(incoming, 'failed')
    }
    const met = this.#seen.meet(message, monotonicMs(), this.#options.dedupWindowMs)
    if (met === undefined) return this.#end(incoming, 'duplicate')
    if (met.forgets) metrics.limitsHit.child('dedup_events').add(1)
    const { notified } = met
    const open = notified === undefined ? all : all.filter((one) => !notified.includes(nameOf(one)))
    if (open.length === 0) return this.#end(incoming, 'duplicate')

    const decision = askPlugin(plugin, message, open, this.#options.pluginTimeoutMs)
    if (!(decision instanceof Promise)) return this.#notify(incoming, decision, notified)
    const notifiedLater = decision
      .then((decided) => this.#notify(incoming, decided, notified))
      .catch((error: unknown) => this.#failed(incoming, error))
      .finally(() => this.#asked.delete(notifiedLater))
    this.#asked.add(notifiedLater)
    return notifiedLater
  }

  #notify(
    incoming: IncomingEvent,
    { chosen, summary }: PluginDecision,
    notified: string[] | undefined,
  ): number {
    for (const subscription of chosen) {
      notified?.push(nameOf(subscription))
      this.#ports.notify(subscription, summary, incoming.domain)
    }
    this.#end(incoming, chosen.length === 0 ? 'skipped' : 'notified')
    return chosen.length
  }

  #failed(incoming: IncomingEvent, err: unknown): 0 {
    const { metrics, log, monotonicMs } = this.#ports
    const byPlugin = err instanceof PluginError
    if (byPlugin) metrics.pluginFailures.child(err.failure).add(1)
    const nowMs = monotonicMs()
    if (nowMs - this.#faultLoggedMs >= faultLogIntervalMs) {
      this.#faultLoggedMs = nowMs
      if (byPlugin) log.error({ err }, 'the plugin failed: nobody was notified')
      else log.error({ err }, 'an event cannot be handled: nobody was notified')
    }
    return this.#end(incoming, 'failed')
  }

  #end({ source }: IncomingEvent, result: EventResult): 0 {
    this.#ports.metrics.events.child(source, result).add(1)
    return 0
  }
}

function nameOf({ jid, node }: Subscription): string {
  return `${jid}\0${node}`
}
