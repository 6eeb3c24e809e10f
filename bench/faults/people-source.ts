/** The XMPP server of a run of people's floods: what it sends and is answered is in no ledger. */
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { SourceStream } from './source-stream.ts'
import { attributeOf } from './stanza-splitter.ts'

/** A flood waits while its stream has so much that the daemon has not read. */
const unsentLimitBytes = 1_048_576
/** Longer than any daemon takes by its contract. */
const answerTimeoutMs = 15_000

interface Question {
  readonly askedMs: number
  readonly answered: (ms: number) => void
}

export class PeopleSource implements AsyncDisposable {
  readonly domain: string
  readonly faults: string[] = []
  results = 0
  errors = 0
  /** Streams that were ever open. */
  opened = 0
  readonly #server: Server
  readonly #streams = new Set<SourceStream>()
  readonly #questions = new Map<string, Question>()

  private constructor(domain: string) {
    this.domain = domain
    this.#server = createServer((socket) => {
      const stream = new SourceStream(this.#streams.size + 1, socket, {
        opened: () => this.opened++,
        stanza: (from, xml) => this.#stanza(from, xml),
        closed: () => this.#streams.delete(stream),
        fault: (kind, text) => this.faults.push(`${kind}: ${text.slice(0, 300)}`),
      })
      this.#streams.add(stream)
    })
  }

  static async listen(domain: string): Promise<PeopleSource> {
    const source = new PeopleSource(domain)
    await new Promise<void>((resolve) => source.#server.listen(0, '127.0.0.1', resolve))
    return source
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get answers(): number {
    return this.results + this.errors
  }

  /** Writes it all on one stream, as fast as the daemon reads, until `endMs`; how many it wrote. */
  async flood(stanzas: Iterable<string>, endMs = Number.POSITIVE_INFINITY): Promise<number> {
    let count = 0
    for (const stanza of stanzas) {
      const stream = this.#stream
      stream.write(stanza, 'whole')
      count++
      while (stream.unsentBytes > unsentLimitBytes && performance.now() < endMs) await delay(1)
      if (performance.now() >= endMs) break
    }
    return count
  }

  /** How long the answer to this request takes, in milliseconds; what has none in time is a fault. */
  ask(id: string, xml: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>()
    const timer = setTimeout(() => {
      this.faults.push(`no answer to ${id}`)
      resolve(answerTimeoutMs)
    }, answerTimeoutMs)
    const answered = (ms: number) => {
      clearTimeout(timer)
      resolve(ms)
    }
    this.#questions.set(id, { askedMs: performance.now(), answered })
    this.#stream.write(xml, 'whole')
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** One for all: what a flood and others send comes on the same. */
  get #stream(): SourceStream {
    for (const stream of this.#streams) if (stream.isOpen) return stream
    throw new Error('the daemon has no stream open')
  }

  #stanza(stream: SourceStream, xml: string): void {
    // To its own domain: back to the component, as a server would.
    if (attributeOf(xml, 'to') === this.domain) {
      stream.write(xml, 'whole')
      return
    }
    const type = attributeOf(xml, 'type')
    if (type === 'result') this.results++
    else if (type === 'error') this.errors++
    else return
    const id = attributeOf(xml, 'id') ?? ''
    const question = this.#questions.get(id)
    this.#questions.delete(id)
    question?.answered(performance.now() - question.askedMs)
  }
}
