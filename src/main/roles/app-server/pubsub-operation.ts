import type { Element } from '../../../core/xml/element.ts'
import { pubsubNs, pubsubOwnerNs } from './namespaces.ts'

/**
 * What a pubsub request other than a publish asks for (XEP-0060 §6, §8):
 * - the operations that push nodes know
 * - `unsupported`: one of the many that they do not, a push node being a sink; `feature` is XEP-0060's name
 * - undefined: none that XEP-0060 knows, or with the wrong type of IQ, or more than one
 */
export type PubsubOperation =
  | { readonly kind: ManagementKind; readonly element: Element }
  | { readonly kind: 'unsupported'; readonly feature: string }

export type ManagementKind =
  | 'create'
  | 'delete'
  | 'purge'
  | 'get-configuration'
  | 'set-configuration'
  | 'get-default'
  | 'get-affiliations'
  | 'set-affiliations'
  | 'own-affiliations'

const management: ReadonlyMap<string, ManagementKind> = new Map([
  [`set ${pubsubNs} create`, 'create'],
  [`get ${pubsubNs} affiliations`, 'own-affiliations'],
  [`set ${pubsubOwnerNs} delete`, 'delete'],
  [`set ${pubsubOwnerNs} purge`, 'purge'],
  [`get ${pubsubOwnerNs} configure`, 'get-configuration'],
  [`set ${pubsubOwnerNs} configure`, 'set-configuration'],
  [`get ${pubsubOwnerNs} default`, 'get-default'],
  [`get ${pubsubOwnerNs} affiliations`, 'get-affiliations'],
  [`set ${pubsubOwnerNs} affiliations`, 'set-affiliations'],
])

const unsupportedFeatures: ReadonlyMap<string, string> = new Map([
  [`set ${pubsubNs} subscribe`, 'subscribe'],
  [`set ${pubsubNs} unsubscribe`, 'subscribe'],
  [`get ${pubsubNs} subscriptions`, 'retrieve-subscriptions'],
  [`get ${pubsubNs} options`, 'subscription-options'],
  [`set ${pubsubNs} options`, 'subscription-options'],
  [`get ${pubsubNs} default`, 'retrieve-default-sub'],
  [`get ${pubsubNs} items`, 'retrieve-items'],
  [`set ${pubsubNs} retract`, 'delete-items'],
  [`get ${pubsubOwnerNs} subscriptions`, 'manage-subscriptions'],
  [`set ${pubsubOwnerNs} subscriptions`, 'manage-subscriptions'],
])

/** `type`: the IQ's; `pubsub`: its payload. */
export function pubsubOperation(type: 'get' | 'set', pubsub: Element): PubsubOperation | undefined {
  let only: PubsubOperation | undefined
  for (const element of pubsub.elements(undefined, pubsub.ns)) {
    const operation = operationOf(`${type} ${pubsub.ns} ${element.name}`, element)
    if (operation === undefined) continue
    // `<subscribe/>` may have its `<options/>` beside it (XEP-0060 §6.3.7).
    if (only?.kind === 'unsupported' && operation.kind === 'unsupported') continue
    if (only !== undefined) return undefined
    only = operation
  }
  return only
}

function operationOf(key: string, element: Element): PubsubOperation | undefined {
  const kind = management.get(key)
  if (kind !== undefined) return { kind, element }
  const feature = unsupportedFeatures.get(key)
  return feature === undefined ? undefined : { kind: 'unsupported', feature }
}
