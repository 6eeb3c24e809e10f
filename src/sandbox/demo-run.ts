import type { DemoScreen } from './demo-screen.ts'
import { type DemoStage, demoDomain, demoServer } from './demo-stage.ts'
import { errorOf, type SandboxElement } from './element.ts'
import { type PublishValues, publishIq } from './stanzas.ts'

/** What the acts of the demo act with, and what they have seen. */
export class DemoRun {
  readonly stage: DemoStage
  readonly screen: DemoScreen
  /** How many publishes ended how. */
  readonly outcomes = new Map<string, number>()
  failures = 0
  #requests = 0

  constructor(stage: DemoStage, screen: DemoScreen) {
    this.stage = stage
    this.screen = screen
  }

  nextId(): string {
    this.#requests++
    return `demo-${this.#requests}`
  }

  /** Sends a client's or the server's request, waits for its answer. */
  ask(iq: string): Promise<SandboxElement> {
    return this.stage.server.request(demoDomain, iq, { timeoutMs: 12_000 })
  }

  publishText(values: Omit<PublishValues, 'id' | 'from' | 'to'> & { from?: string }): string {
    return publishIq({ from: demoServer, ...values, id: this.nextId(), to: demoDomain })
  }

  /** Publishes as the demo's XMPP server (or whoever `from` is); how it ended: `result`, or the error. */
  async publish(values: Omit<PublishValues, 'id' | 'from' | 'to'> & { from?: string }): Promise<string> {
    return this.count(await this.ask(this.publishText(values)))
  }

  /** Counts an answer to a publish; the same word as `publish`. */
  count(answer: SandboxElement): string {
    const error = errorOf(answer)
    const outcome =
      error === undefined
        ? 'result'
        : [`${error.type}/${error.condition}`, error.detail].filter(Boolean).join(' + ')
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    return outcome
  }

  /** Shows that something is as it should be, or is not. */
  check(asExpected: boolean, text: string): void {
    if (!asExpected) this.failures++
    this.screen.verdict(asExpected, text)
  }
}
