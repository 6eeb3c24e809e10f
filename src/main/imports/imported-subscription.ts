import { utf8Bytes } from '../../core/cut-text.ts'
import { bareJid } from '../../core/jid.ts'
import { field } from '../roles/xmpp-server/publish-iq.ts'
import { maxNodeBytes, maxOptionsBytes } from '../roles/xmpp-server/push-request.ts'

/** A push subscription that comes from elsewhere, checked. */
export interface ImportedSubscription {
  /** Bare JID, in normal form; so is `jid`. */
  readonly user: string
  readonly jid: string
  readonly node: string
  readonly options: readonly (readonly [name: string, value: string])[]
  /** Milliseconds since the epoch; undefined: nobody knows. */
  readonly enabledAtMs: number | undefined
}

/** The same as it is written in JSON: `options` an object, `enabled` (ISO 8601) may be left out. Nothing is checked. */
export type Fields = Readonly<Record<string, unknown>>

/** What is wrong, in words that follow the field's name. */
export interface FieldFault {
  readonly field: string
  readonly what: string
}

export type CheckedSubscription =
  | { readonly subscription: ImportedSubscription; readonly fault?: undefined }
  | { readonly subscription?: undefined; readonly fault: FieldFault }

/** Checks a subscription from elsewhere by the rules that hold for `<enable/>`. Pure. */
export function checkSubscription(fields: Fields): CheckedSubscription {
  for (const field of ['user', 'jid', 'node', 'enabled']) {
    const value = fields[field] ?? undefined
    if (value !== undefined && typeof value !== 'string') return wrong(field, 'is text')
  }
  const { user: givenUser, jid: givenJid, node, enabled } = fields as Readonly<Record<string, string | null>>
  const user = bareJid(givenUser ?? '')
  if (user?.includes('@') !== true) return wrong('user', 'is the JID of a user')
  const jid = bareJid(givenJid ?? '')
  if (jid === undefined) return wrong('jid', 'is the JID of an App Server')
  if (!node) return wrong('node', 'is needed')
  if (Buffer.byteLength(node) > maxNodeBytes) return wrong('node', `has at most ${maxNodeBytes} bytes`)
  const enabledAtMs = enabled ? Date.parse(enabled) : undefined
  if (Number.isNaN(enabledAtMs)) return wrong('enabled', 'is a time such as 2026-01-31T12:00:00Z')

  const { options: named } = fields
  const options: [string, string][] = []
  if (named !== undefined && named !== null) {
    if (typeof named !== 'object' || Array.isArray(named)) return wrong('options', 'is an object')
    let bytes = 0
    for (const [name, value] of Object.entries(named)) {
      if (typeof value !== 'string') return wrong(`options.${name}`, 'is text')
      options.push([name, value])
      bytes += utf8Bytes(field(name, value))
    }
    if (bytes > maxOptionsBytes) return wrong('options', `have at most ${maxOptionsBytes} bytes in a publish`)
  }
  return { subscription: { user, jid, node, options, enabledAtMs } }
}

function wrong(field: string, what: string): CheckedSubscription {
  return { fault: { field, what } }
}
