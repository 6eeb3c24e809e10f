import { bareJid, domainOfBare } from '../../../core/jid.ts'
import type { Alert, DataField, Silent } from '../../../core/notification.ts'
import { notAnInteger, parseBoolean, parseInteger } from './option-values.ts'
import type { ContentOptions } from './options.ts'
import type { PublishOptions, Summary } from './publish-input.ts'

/** What a device is to be shown or told: from the summary, under the operator's rules. Pure. */

/** Nothing to read, and `on_empty = "drop"`. */
export interface Nothing {
  readonly kind: 'nothing'
}

/** Why no notification can be made of it; the text names the field, never its value. */
export interface ContentFault {
  readonly kind: 'fault'
  readonly text: string
}

const nothing: Nothing = { kind: 'nothing' }

const countField = 'message-count'
const senderField = 'last-message-sender'
export const bodyField = 'last-message-body'
/** Fields that name somebody: `include_sender` is about all of them. */
export const senderFields: readonly string[] = [
  senderField,
  'message-sender',
  'pending-subscription-from',
  'jmi-from',
]

/**
 * - a sender, a body, a count or a subscription request: something to read, so an alert, with default texts
 *   where its own are missing or may not go out
 * - nothing of these: a wake-up, silent, with whatever other fields there are
 * - `silent` asked for: all fields as data
 */
export function readContent(
  summary: Summary,
  options: PublishOptions,
  rules: ContentOptions,
): Alert | Silent | Nothing | ContentFault {
  const count = countOf(summary)

  if (summary.fields.length === 0 && rules.onEmpty === 'drop') return nothing
  const sender = summary.text(senderField)
  const body = summary.text(bodyField)
  const readable =
    sender !== undefined ||
    body !== undefined ||
    (count !== undefined && count > 0) ||
    hasSubscriptionRequest(summary)
  if (!readable || parseBoolean(options.silent) === true) return silentOf(summary, count, rules)

  // A text that was there and may not go out is not missing.
  if (sender === undefined || body === undefined) {
    if (rules.onMissing === 'silent') return silentOf(summary, count, rules)
    if (rules.onMissing === 'reject') return fault(sender === undefined ? senderField : bodyField, 'missing')
  }
  const shownSender = rules.includeSender ? sender : undefined
  const shownBody = rules.includeBody ? body : undefined
  return {
    kind: 'alert',
    title: shownSender ?? rules.defaultTitle,
    body: shownBody ?? rules.defaultBody,
    badge: count,
    tag: shownSender,
    clickAction: options.clickAction,
    sound: options.sound,
    data: undefined,
  }
}

/** First labels of the host names of rooms, by the servers' defaults and by custom. */
const roomLabels: readonly string[] = [
  'channels',
  'chatrooms',
  'conf',
  'conference',
  'groupchat',
  'groups',
  'mix',
  'muc',
  'muclight',
  'rooms',
]

/** Removes the resource of the sender's address, which may name a device; a room's stays, because it is the nick. */
export function shortenSender(summary: Summary): void {
  const sender = summary.get(senderField) ?? ''
  const slash = sender.indexOf('/')
  const bare = slash === -1 ? undefined : bareJid(sender)
  if (bare === undefined) return
  const [label = ''] = domainOfBare(bare).split('.', 1)
  if (!roomLabels.includes(label)) summary.set(senderField, sender.slice(0, slash))
}

/** How many messages wait. A value that is not a number is ignored. */
function countOf(summary: Summary): number | undefined {
  const text = summary.get(countField)
  const count = text === undefined ? notAnInteger : parseInteger(text.trim())
  return count === notAnInteger ? undefined : count
}

/** Every field under its own name; the count as a number. */
function silentOf(summary: Summary, count: number | undefined, rules: ContentOptions): Silent {
  const data: DataField[] = []
  const { fields } = summary
  for (const [i, value] of summary.texts().entries()) {
    const name = fields[i * 2] ?? ''
    if (!rules.includeSender && senderFields.includes(name)) continue
    if (!rules.includeBody && name === bodyField) continue
    if (name !== countField) data.push([name, value])
    else if (count !== undefined) data.push([name, count])
  }
  return { kind: 'silent', data }
}

function hasSubscriptionRequest(summary: Summary): boolean {
  const count = summary.get('pending-subscription-count')?.trim()
  return (count !== undefined && count !== '0') || summary.get('pending-subscription-from') !== undefined
}

function fault(field: string, what: string): ContentFault {
  return { kind: 'fault', text: `${field}: ${what}` }
}
