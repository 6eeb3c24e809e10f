import type { Element } from '../../core/xml/element.ts'

/** Where an answer goes: the stream its request came in on or, if that is gone, another of the domain. */
export interface StanzaSink {
  /**
   * Queues one complete stanza (with `to` and `from`); all that a turn of the event loop queues goes out in
   * one write. False when no stream of the domain is up: the stanza is gone, and counted.
   */
  send(stanza: string): boolean
}

/**
 * Takes every stanza (depth-1 child of a stream) that its server may send on it: `from` is of no other server with a
 * component here, and `to`, if there is one, is at a domain of ours at that server. Must not throw.
 */
export type StanzaHandler = (domain: string, stanza: Element, answerTo: StanzaSink) => void
