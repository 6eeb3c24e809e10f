import { fixedLimits, type ParserLimits } from '../src/main/xmpp/parser-limits.ts'

/** Those of a configuration that says nothing of them. */
export const defaultLimits: ParserLimits = {
  ...fixedLimits,
  maxStreamStanzaBytes: 67_108_864,
  maxStanzaBytes: 262_144,
  maxTextBytes: 16_384,
  maxDepth: 32,
  maxAttributes: 64,
}
