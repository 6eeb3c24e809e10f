import { maxWhyLength, pluginFaults } from '../../../core/plugin-protocol.ts'
import { fitValues, isWithin, maxFields, maxNameBytes } from '../../../core/push-text.ts'
import type { Subscription } from '../../store/ports.ts'
import type { MaybePromise, MessageEvent, SummaryFields } from './plugin.ts'
import { PluginError } from './plugin-error.ts'
import * as defaults from './plugins/defaults.ts'

/** A plugin that has all functions, and decides synchronously. */
export interface BuiltInPlugin {
  shouldPublish(event: MessageEvent, subscriptions: readonly Subscription[]): readonly Subscription[]
  senderId(event: MessageEvent): string
  prepareNotification(event: MessageEvent, sender: string): SummaryFields | null
}

/** The decision of a plugin about one event. */
export interface PluginDecision {
  /** Empty: nobody is notified. */
  readonly chosen: readonly Subscription[]
  /** The summary's fields: flat, name, value, name, value … */
  readonly summary: readonly string[]
  /** Values were too long and were cut. */
  readonly hasCut: boolean
  /** The plugin's thread was not up, or ended before it decided: the defaults decided. */
  readonly byDefault: boolean
}

type Summary = Pick<PluginDecision, 'summary' | 'hasCut'>

/** Who decides about message events. */
export interface Decider {
  /** Throws or rejects with a PluginError. A synchronous plugin answers without a promise. */
  decide(
    event: MessageEvent,
    subscriptions: readonly Subscription[],
    timeoutMs: number,
  ): MaybePromise<PluginDecision>
  /** Whether further events must wait, because too many bytes of events wait already. */
  readonly full: boolean
  /** `listener` is called, with the reason, each time that the plugin's thread ended or the daemon ended it. */
  watch(listener: (why: Error) => void): void
  /** The defaults decide the events under way. */
  stop(): Promise<void>
}

const nobody: PluginDecision = { chosen: [], summary: [], hasCut: false, byDefault: false }
const nobodyByDefault: PluginDecision = { ...nobody, byDefault: true }

/** The decision of a built-in plugin. */
export function decideBy(
  plugin: BuiltInPlugin,
  event: MessageEvent,
  subscriptions: readonly Subscription[],
): PluginDecision {
  const chosen = plugin.shouldPublish(event, subscriptions)
  if (chosen.length === 0) return nobody
  const fields = plugin.prepareNotification(event, plugin.senderId(event))
  return fields === null ? nobody : { chosen, ...flat(fields), byDefault: false }
}

/** The decision of the defaults in place of a plugin. */
export function decideByDefault(event: MessageEvent, subscriptions: readonly Subscription[]): PluginDecision {
  const fields = defaults.prepareNotification(event, defaults.senderId(event))
  if (fields === null) return nobodyByDefault
  return { chosen: subscriptions, ...flat(fields), byDefault: true }
}

/**
 * Reads the answer of the plugin's thread to one question; the defaults decide what the plugin leaves out.
 * @throws PluginError for a plugin that failed, and for an invalid answer
 */
export function readDecision(
  given: Readonly<Record<string, unknown>>,
  event: MessageEvent,
  subscriptions: readonly Subscription[],
): PluginDecision {
  const { kind, fault, why, chosen: places, sender, summary } = given
  if (kind === 'failed') {
    const failure = pluginFaults.find((one) => one === fault)
    if (failure === undefined || typeof why !== 'string') throw noAnswer()
    throw new PluginError(failure, why.slice(0, maxWhyLength))
  }
  if (kind !== 'decided') throw noAnswer()
  const chosen = places === undefined ? subscriptions : subscriptionsAt(places, subscriptions)
  if (chosen.length === 0 || summary === null) return nobody
  if (summary !== undefined) return { chosen, ...checkedSummary(summary), byDefault: false }
  if (sender !== undefined && (typeof sender !== 'string' || sender === '')) throw noAnswer()
  const fields = defaults.prepareNotification(event, sender ?? defaults.senderId(event))
  return fields === null ? nobody : { chosen, ...flat(fields), byDefault: false }
}

function subscriptionsAt(places: unknown, subscriptions: readonly Subscription[]): readonly Subscription[] {
  if (!Array.isArray(places) || places.length > subscriptions.length) throw noAnswer()
  const chosen: Subscription[] = []
  let last = -1
  for (const place of places as unknown[]) {
    // In ascending order, so that no subscription is listed twice.
    if (typeof place !== 'number' || !(place > last)) throw noAnswer()
    const subscription = subscriptions[place]
    if (subscription === undefined) throw noAnswer()
    chosen.push(subscription)
    last = place
  }
  return chosen
}

function checkedSummary(summary: unknown): Summary {
  if (!Array.isArray(summary) || summary.length % 2 !== 0 || summary.length > 2 * maxFields) throw noAnswer()
  const names: string[] = []
  const values: string[] = []
  for (const [i, text] of (summary as unknown[]).entries()) {
    if (typeof text !== 'string') throw noAnswer()
    if (i % 2 === 1) values.push(text)
    else if (isWithin(text, maxNameBytes)) names.push(text)
    else throw noAnswer()
  }
  return fitted(names, values)
}

/** The summary of a plugin that is trusted. */
function flat(fields: SummaryFields): Summary {
  const names: string[] = []
  const values: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    names.push(name)
    values.push(String(value))
  }
  return fitted(names, values)
}

/**
 * The summary with the limits of any publish: a sender may have written a thousand times what providers accept, and a server
 * may end the stream for such a long stanza.
 */
function fitted(names: readonly string[], values: readonly string[]): Summary {
  const fitting = fitValues(values)
  return { summary: names.flatMap((name, i) => [name, fitting[i] ?? '']), hasCut: fitting !== values }
}

function noAnswer(): PluginError {
  return new PluginError('nonsense', 'its thread sent something that is not an answer')
}
