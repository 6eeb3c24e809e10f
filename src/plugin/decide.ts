import {
  maxCrossingLength,
  type PlainElement,
  type PluginFault,
  type PluginQuestion,
} from '../core/plugin-protocol.ts'
import { isWithin, maxFields, maxNameBytes } from '../core/push-text.ts'
import { Element } from '../core/xml/element.ts'
import type { PluginFunctions } from './load-module.ts'

/** The decision of a plugin, in the form for the main thread; parts that the plugin leaves out are undefined. */
export interface Decision {
  readonly chosen: readonly number[] | undefined
  readonly sender: string | undefined
  readonly summary: readonly string[] | null | undefined
}

/** A fault of the plugin itself. */
export class Fault extends Error {
  readonly fault: PluginFault

  constructor(fault: PluginFault, message: string) {
    super(message)
    this.fault = fault
  }
}

type MaybePromise<T> = T | Promise<T>

/** Calls the plugin's functions in turn. The result of a synchronous plugin is synchronous. Throws or rejects with a Fault. */
export function decide(plugin: PluginFunctions, question: PluginQuestion): MaybePromise<Decision> {
  const event = frozenEvent(question.event)
  const subscriptions = question.subscriptions.map((subscription) => Object.freeze(subscription))
  const { shouldPublish, senderId, prepareNotification } = plugin
  const given = shouldPublish === undefined ? undefined : call(() => shouldPublish(event, subscriptions))
  return then(given, (list) => {
    const chosen = shouldPublish === undefined ? undefined : placesOf(list, subscriptions)
    if (chosen?.length === 0) return { chosen, sender: undefined, summary: undefined }
    return then(senderId === undefined ? undefined : call(() => senderId(event)), (name) => {
      if (senderId !== undefined && (typeof name !== 'string' || name === '')) {
        throw new Fault('nonsense', 'senderId returned no text')
      }
      const sender = senderId === undefined ? undefined : crossing(name as string)
      if (prepareNotification === undefined) return { chosen, sender, summary: undefined }
      return then(
        call(() => prepareNotification(event, name ?? question.sender)),
        (fields) => ({ chosen, sender, summary: fields === null ? null : summaryOf(fields) }),
      )
    })
  })
}

function frozenEvent(event: PluginQuestion['event']): object {
  const { stanza } = event
  return Object.freeze({ ...event, stanza: stanza === undefined ? undefined : elementOf(stanza) })
}

function elementOf({ name, ns, attributes, children }: PlainElement): Element {
  return new Element(
    name,
    ns,
    attributes,
    children.map((child) => (typeof child === 'string' ? child : elementOf(child))),
  )
}

function call(work: () => unknown): unknown {
  try {
    const given = work()
    if (!isThenable(given)) return given
    return Promise.resolve(given).catch((error: unknown) => Promise.reject(thrown(error)))
  } catch (error) {
    throw thrown(error)
  }
}

function then<T>(value: unknown, next: (value: unknown) => MaybePromise<T>): MaybePromise<T> {
  return value instanceof Promise ? value.then(next) : next(value)
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value
}

function thrown(error: unknown): Fault {
  return new Fault('threw', `it threw: ${error instanceof Error ? error.message : String(error)}`)
}

/** Accepts only subscriptions that the plugin was given, each once, as the same objects or as copies. */
function placesOf(given: unknown, subscriptions: PluginQuestion['subscriptions']): number[] {
  if (!Array.isArray(given)) throw new Fault('nonsense', 'shouldPublish returned no list')
  const places = new Set<number>()
  for (const one of given as unknown[]) {
    const place = subscriptions.findIndex((subscription) => isSame(one, subscription))
    if (place < 0) throw new Fault('nonsense', 'shouldPublish returned a subscription that it was not given')
    places.add(place)
  }
  return [...places].sort((a, b) => a - b)
}

function isSame(given: unknown, subscription: { readonly jid: string; readonly node: string }): boolean {
  if (given === subscription) return true
  if (typeof given !== 'object' || given === null) return false
  return (
    'jid' in given && given.jid === subscription.jid && 'node' in given && given.node === subscription.node
  )
}

function summaryOf(fields: unknown): string[] {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw new Fault('nonsense', 'prepareNotification returned neither fields nor null')
  }
  const summary: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw new Fault(
        'nonsense',
        `prepareNotification returned something other than a text, a number or a boolean as ${name}`,
      )
    }
    if (summary.length === 2 * maxFields) {
      throw new Fault('nonsense', `prepareNotification returned more than ${maxFields} fields`)
    }
    if (!isWithin(name, maxNameBytes)) {
      throw new Fault('nonsense', 'prepareNotification returned a field whose name is too long')
    }
    summary.push(name, crossing(String(value)))
  }
  return summary
}

function crossing(text: string): string {
  return text.slice(0, maxCrossingLength)
}
