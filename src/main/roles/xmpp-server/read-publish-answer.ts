import type { Element } from '../../../core/xml/element.ts'
import { stanzaErrorNs } from '../app-server/namespaces.ts'

/**
 * What the answer to a publish of ours means (XEP-0357 §7, §8):
 * - `taken`: a result
 * - `refused`: a `cancel` of the App Server's, which wants no more of them; `condition`: its word
 * - `again`: it may take it later
 * - `failed`: it does not take this one
 */
export type PublishAnswer =
  | { readonly kind: 'taken' | 'again' | 'failed' }
  | { readonly kind: 'refused'; readonly condition: string }

/**
 * What our own server says when it cannot reach the App Server's (RFC 6120 §8.3.3.16, .17): the first of them as a
 * `cancel`, though a name server in trouble is enough for it.
 */
const unreachable: readonly string[] = ['remote-server-not-found', 'remote-server-timeout']

/** Pure. */
export function readPublishAnswer(iq: Element): PublishAnswer {
  if (iq.attr('type') === 'result') return { kind: 'taken' }
  const [error] = iq.elements('error')
  const condition =
    error?.elements(undefined, stanzaErrorNs).find(({ name }) => name !== 'text')?.name ??
    'undefined-condition'
  const type = error?.attr('type')
  if (type === 'wait' || unreachable.includes(condition)) return { kind: 'again' }
  return type === 'cancel' ? { kind: 'refused', condition } : { kind: 'failed' }
}
