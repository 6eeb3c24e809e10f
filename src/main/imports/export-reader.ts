import { checkSubscription, type Fields, type ImportedSubscription } from './imported-subscription.ts'

/** What one line, row, record or entry of an export comes to. */
export type Imported =
  | { readonly kind: 'subscription'; readonly subscription: ImportedSubscription }
  /** `reason`: for people, without any value of the export's. */
  | { readonly kind: 'fault'; readonly place: string; readonly reason: string }

/**
 * Takes an export apart as it comes in. Texts are bytes, each a character (`latin1`): what is UTF-8 in them is decoded
 * where a value ends, so that a part may end anywhere.
 */
export interface ExportReader {
  /** What is complete now. @throws ExportError */
  push(bytes: string): Imported[]
  /** What was not, as far as it can be read without more. @throws ExportError */
  end(): Imported[]
}

/** Nothing of the export can be read: it is not there, or of another kind than was said. */
export class ExportError extends Error {
  override readonly name = 'ExportError'
}

/** Lines, rows and records longer than this are faulty: they hold several times what any subscription does. */
export const maxEntryBytes = 1024 * 1024

/** @param made the fields of a subscription, or the reason why it is none */
export function imported(place: string, made: Fields | string): Imported {
  if (typeof made === 'string') return { kind: 'fault', place, reason: made }
  const checked = checkSubscription(made)
  if (checked.fault === undefined) return { kind: 'subscription', subscription: checked.subscription }
  return { kind: 'fault', place, reason: `${checked.fault.field} ${checked.fault.what}` }
}
