import { idPrefix, numberDigits } from './stanza-template.ts'

/** What comes back on one stream, called from `write`. */
export interface AnswerEvents {
  answer(sequence: number, isError: boolean): void
  /** A request of the component itself (a ping): the start tag. */
  request(tag: string): void
}

/**
 * Finds the start tags of IQs in what a component sends, without parsing XML: enough for a component
 * that is ours, and cheap. Either quote will do.
 */
export class AnswerScanner {
  readonly #events: AnswerEvents
  #rest = ''

  constructor(events: AnswerEvents) {
    this.#events = events
  }

  write(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1')
    let done = 0
    for (let start = text.indexOf('<iq '); start !== -1; start = text.indexOf('<iq ', done)) {
      const end = text.indexOf('>', start)
      if (end === -1) break
      this.#tag(text, start, end)
      done = end + 1
    }
    // What is kept: an unfinished tag, or an end that may be the beginning of one.
    const unfinished = text.indexOf('<iq ', done)
    this.#rest = text.slice(unfinished === -1 ? Math.max(done, text.length - 3) : unfinished)
  }

  #tag(text: string, start: number, end: number): void {
    const type = text.charAt(text.indexOf(' type=', start) + 7)
    if (type !== 'r' && type !== 'e') {
      this.#events.request(text.slice(start, end + 1))
      return
    }
    const id = text.indexOf(' id=', start) + 5
    if (id > end || text.charAt(id) !== idPrefix) return
    let sequence = 0
    for (let i = id + 1; i <= id + numberDigits; i++) sequence = sequence * 10 + text.charCodeAt(i) - 48
    this.#events.answer(sequence, type === 'e')
  }
}
