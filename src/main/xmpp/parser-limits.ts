/** The most that the parser keeps of a stanza. It skips parts over a limit; only `maxStreamStanzaBytes` ends a stream. */
export interface ParserLimits {
  /** The most bytes of one stanza on the wire, from its `<` to its `>`; also of a stream header. */
  readonly maxStreamStanzaBytes: number
  /** The most bytes kept of one stanza: names, values and texts in UTF-8, and the least markup that they need. */
  readonly maxStanzaBytes: number
  /** The most bytes kept of the text of one element, in UTF-8. */
  readonly maxTextBytes: number
  /** How deep elements are nested in a stanza, which itself is at depth 1. */
  readonly maxDepth: number
  /** The most attributes of one element, declarations included. */
  readonly maxAttributes: number
  /** The most bytes of an attribute's value, in UTF-8. */
  readonly maxValueBytes: number
  /** The most child elements of one element. */
  readonly maxChildren: number
  /** The most elements of a stanza, itself included. */
  readonly maxElements: number
}

/** The limits that cannot be configured: several times what any extension of XMPP needs. */
export const fixedLimits = {
  maxValueBytes: 8192,
  maxChildren: 1000,
  maxElements: 10_000,
} as const satisfies Partial<ParserLimits>
