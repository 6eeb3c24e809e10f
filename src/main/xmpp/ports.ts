import type { Element } from '../../core/xml/element.ts'

/** Where an answer goes: the stream its request came in on or, if that is gone, another of the domain. */
export interface StanzaSink {
  /**
   * Queues one complete stanza (with `to` and `from`); all that a turn of the event loop queues goes out in
   * one write. False when no stream of the domain is up: the stanza is gone, and counted.
   */
  send(stanza: string): boolean
  /**
   * The same for an answer that nobody but the one who asked waits for: it is dropped, and counted, when much is unsent.
   * `written`: called once if the result is true, when the answer was given to the operating system or never will be.
   */
  answerQuery(stanza: string, written: (() => void) | undefined): boolean
}

/**
 * Takes every stanza (depth-1 child of a stream) that its server may send on it: `from` is of no other server with a
 * component here, and `to`, if there is one, is at a domain of ours at that server. Must not throw.
 */
export type StanzaHandler = (domain: string, stanza: Element, answerTo: StanzaSink) => void
