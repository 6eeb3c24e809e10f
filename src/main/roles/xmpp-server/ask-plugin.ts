import { fitValues, isWithin, maxFields, maxNameBytes } from '../../../core/push-text.ts'
import type { Subscription } from '../../store/ports.ts'
import type { CompletePlugin } from './load-plugin.ts'
import type { MaybePromise, MessageEvent } from './plugin.ts'
import { PluginError } from './plugin-error.ts'

/** What a plugin decides about one event. */
export interface PluginDecision {
  /** Empty: nobody is notified. */
  readonly chosen: readonly Subscription[]
  /** The summary's fields: flat, name, value, name, value … */
  readonly summary: readonly string[]
  /** Values were too long, and are cut. */
  readonly hasCut: boolean
}

const nobody: PluginDecision = { chosen: [], summary: [], hasCut: false }

/**
 * Asks the plugin about an event. A plugin that decides at once is answered at once, without a promise. Throws or
 * rejects with a PluginError, whatever the plugin does but compute for ever.
 */
export function askPlugin(
  plugin: CompletePlugin,
  event: MessageEvent,
  subscriptions: readonly Subscription[],
  timeoutMs: number,
): MaybePromise<PluginDecision> {
  // What it changed would be changed for others.
  Object.freeze(event)
  for (const subscription of subscriptions) Object.freeze(subscription)
  const decision = decide(plugin, event, subscriptions)
  return decision instanceof Promise ? withDeadline(decision, timeoutMs) : decision
}

function decide(
  plugin: CompletePlugin,
  event: MessageEvent,
  subscriptions: readonly Subscription[],
): MaybePromise<PluginDecision> {
  const chosen = call(() => plugin.shouldPublish(event, subscriptions))
  return then(chosen, (given) => {
    const known = checkChosen(given, subscriptions)
    if (known.length === 0) return nobody
    return then(
      call(() => plugin.senderId(event)),
      (sender) => {
        if (typeof sender !== 'string' || sender === '') throw nonsense('senderId gave no text')
        return then(
          call(() => plugin.prepareNotification(event, sender)),
          (fields) => (fields === null ? nobody : { chosen: known, ...checkSummary(fields) }),
        )
      },
    )
  })
}

function call<T>(work: () => MaybePromise<T>): MaybePromise<T> {
  try {
    const given = work()
    if (!isThenable(given)) return given
    return Promise.resolve(given).catch((error: unknown) => Promise.reject(thrown(error)))
  } catch (error) {
    throw thrown(error)
  }
}

function then<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** Only what it was given, each once, whether it gives the same objects or copies. */
function checkChosen(given: unknown, subscriptions: readonly Subscription[]): readonly Subscription[] {
  if (given === subscriptions) return subscriptions
  if (!Array.isArray(given)) throw nonsense('shouldPublish gave no list')
  for (const one of given) {
    if (!subscriptions.some((subscription) => isSame(one, subscription))) {
      throw nonsense('shouldPublish gave what it was not given')
    }
  }
  return subscriptions.filter((subscription) => given.some((one) => isSame(one, subscription)))
}

function isSame(given: unknown, { jid, node }: Subscription): boolean {
  if (typeof given !== 'object' || given === null) return false
  return 'jid' in given && given.jid === jid && 'node' in given && given.node === node
}

/**
 * The summary, bounded as that of any publish is: a sender may have written a thousand times what providers take, and a
 * server may end the stream that brings it so long a stanza.
 */
function checkSummary(fields: unknown): Pick<PluginDecision, 'summary' | 'hasCut'> {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw nonsense('prepareNotification gave neither fields nor null')
  }
  const names: string[] = []
  const values: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw nonsense(`prepareNotification gave something else than a text or number as ${name}`)
    }
    if (names.length === maxFields) throw nonsense(`prepareNotification gave more than ${maxFields} fields`)
    if (!isWithin(name, maxNameBytes)) throw nonsense('prepareNotification gave a field with too long a name')
    names.push(name)
    values.push(String(value))
  }
  const fitting = fitValues(values)
  return { summary: names.flatMap((name, i) => [name, fitting[i] ?? '']), hasCut: fitting !== values }
}

function withDeadline<T>(decision: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(
    () => reject(new PluginError('timeout', `it has not decided within ${timeoutMs} ms`)),
    timeoutMs,
  )
  decision.then(resolve, reject).finally(() => clearTimeout(timer))
  return promise
}

function thrown(error: unknown): PluginError {
  const why = error instanceof Error ? error.message : String(error)
  return new PluginError('threw', `it threw: ${why}`, { cause: error })
}

function nonsense(why: string): PluginError {
  return new PluginError('nonsense', why)
}
