import type { Element } from '../../../core/xml/element.ts'
import { stanzaErrorNs } from '../app-server/namespaces.ts'

/**
 * What the answer to a publish of ours means (XEP-0357 §7, §8):
 * - `taken`: a result
 * - `refused`: a `cancel` of the App Server's, which wants no more of them; `condition`: its word
 * - `again`: it may take it later
 * - `unreached`: it was not reached
 * - `failed`: it does not take this one
 */
export type PublishAnswer =
  | { readonly kind: 'taken' | 'again' | 'unreached' | 'failed' }
  | { readonly kind: 'refused'; readonly condition: string }

/**
 * Conditions that servers send on behalf of an App Server, whatever the type: the user's own server when it cannot reach the
 * other one (RFC 6120 §8.3.3.16, .17; a failing name server is enough), the other server while its component is away (.13,
 * .19).
 */
const unreached: readonly string[] = [
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
  'recipient-unavailable',
]

/** Pure. */
export function readPublishAnswer(iq: Element): PublishAnswer {
  if (iq.attr('type') === 'result') return { kind: 'taken' }
  const [error] = iq.elements('error')
  const condition =
    error?.elements(undefined, stanzaErrorNs).find(({ name }) => name !== 'text')?.name ??
    'undefined-condition'
  const type = error?.attr('type')
  if (unreached.includes(condition)) return { kind: 'unreached' }
  if (type === 'wait') return { kind: 'again' }
  return type === 'cancel' ? { kind: 'refused', condition } : { kind: 'failed' }
}
