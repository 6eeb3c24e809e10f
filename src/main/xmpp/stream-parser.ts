import type { Element } from '../../core/xml/element.ts'
import type { ParserLimits } from './parser-limits.ts'
import { type StreamFault, StreamFaultError } from './stream-error.ts'
import { TextPieces } from './text-pieces.ts'
import { Tokenizer } from './tokenizer.ts'
import { TreeBuilder } from './tree-builder.ts'
import { greater } from './units.ts'

export type { ParserLimits } from './parser-limits.ts'
export type { StreamErrorCondition, StreamFault } from './stream-error.ts'

/** Takes what a stream brings, in order, from within `write`. */
export interface StreamEvents {
  /** The stream header, as an element without children. */
  streamStart(header: Element): void
  /** One complete child of the stream; a PrunedElement where not all of it is kept. */
  stanza(element: Element): void
  /** `</stream:stream>`. Nothing follows. */
  streamEnd(): void
  /** The stream cannot be read on. Nothing follows. */
  error(fault: StreamFault): void
}

/**
 * Reads the XML of one stream (RFC 6120 §4, §11) from bytes as they come, in chunks cut anywhere.
 *
 * It takes namespace-well-formed XML 1.0 in UTF-8, without what RFC 6120 §11.1 forbids. It skips the parts of a
 * stanza that are over the limits, and accepts undeclared prefixes, without a meaning: the sender chooses a stanza's content,
 * and must not end the stream of all others. At the first byte that shows anything else, or when a stanza has more
 * than `maxStreamStanzaBytes`, it reports the stream error that RFC 6120 §4.9.3 has for it, after every stanza that
 * was complete before. No input makes it throw. After an error or the end of the stream it is deaf.
 *
 * Time is in proportion to the input; memory for a stanza is some ten times `maxStanzaBytes` at most.
 */
export class StreamParser {
  private readonly events: StreamEvents
  private readonly tree: TreeBuilder
  private readonly tokens: Tokenizer
  private readonly pieces: TextPieces
  private hasFailed = false

  constructor(events: StreamEvents, limits: ParserLimits) {
    this.events = events
    this.tree = new TreeBuilder(events, limits)
    this.tokens = new Tokenizer(this.tree, limits)
    this.pieces = new TextPieces(this.tokens)
  }

  /** Nothing of a stanza, nor of the header, has been read of which the rest is still to come. */
  get isBetweenStanzas(): boolean {
    return this.tokens.isBetweenStanzas
  }

  /**
   * Reads on, but not past the end of the stanza at hand, nor at all between two of them; what of the chunk is left. Undefined:
   * the stanza goes on after it. Must not be called from within an event.
   */
  finishStanza(chunk: Uint8Array): Uint8Array | undefined {
    let from = 0
    while (from < chunk.length && !this.isBetweenStanzas) {
      const end = chunk.indexOf(greater, from) + 1
      const to = end === 0 ? chunk.length : end
      this.write(chunk.subarray(from, to))
      from = to
    }
    return this.isBetweenStanzas ? chunk.subarray(from) : undefined
  }

  /** Must not be called from within an event. The chunk may be used again when the call returns. */
  write(chunk: Uint8Array): void {
    if (this.hasFailed || this.tree.isComplete) return
    try {
      this.pieces.write(chunk)
    } catch (error) {
      // What comes after the end of the stream is not even looked at for being UTF-8.
      if (error instanceof StreamFaultError && this.tree.isComplete) return
      this.hasFailed = true
      if (!(error instanceof StreamFaultError)) throw error
      const { condition, text, limit } = error
      this.events.error({ condition, text, limit })
    }
  }
}
