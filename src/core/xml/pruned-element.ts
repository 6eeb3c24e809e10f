import { Element } from './element.ts'

/** Why a part of a stanza was skipped: labels of `limits_hit_total`. */
export const losses = [
  'text',
  'depth',
  'attributes',
  'attribute_value',
  'children',
  'elements',
  'kept',
  'prefix',
] as const

export type Loss = (typeof losses)[number]

/** A stanza of which the stream parser has kept only a part. */
export class PrunedElement extends Element {
  readonly lost: readonly Loss[]

  constructor(
    name: string,
    ns: string,
    attributes: readonly string[],
    children: (Element | string)[],
    lost: readonly Loss[],
  ) {
    super(name, ns, attributes, children)
    this.lost = lost
  }
}

/**
 * Whether a part of this stanza is missing. With an undeclared prefix nothing is missing: the element or attribute is
 * in a namespace that nothing matches.
 */
export function isIncomplete(stanza: Element): boolean {
  return stanza instanceof PrunedElement && stanza.lost.some((loss) => loss !== 'prefix')
}

/** Whether more of it is missing than ends of texts: what it says may be something else than what its sender said. */
export function lacksElements(stanza: Element): boolean {
  return stanza instanceof PrunedElement && stanza.lost.some((loss) => loss !== 'prefix' && loss !== 'text')
}
