import { type ChildProcess, fork } from 'node:child_process'
import type { SourceReport, SourceRound, SourceSettings } from '../load/reports.ts'
import { publishBytes } from '../load/stanza-template.ts'

/** So many publishes of it may be unanswered. */
const window = 20_000
/** Each to a device of its own, as good as: none takes another's place in the daemon's store. */
const devices = 1_000_000

/**
 * An XMPP server that sends publishes as fast as its window and the daemon let it: the load source, in a process of its
 * own, so that it takes nothing from the thread that measures others. What it sends is in no ledger.
 */
export class Flood implements AsyncDisposable {
  readonly domain: string
  readonly port: number
  readonly #process: ChildProcess
  #round: Promise<SourceRound> | undefined

  private constructor(domain: string, port: number, process: ChildProcess) {
    this.domain = domain
    this.port = port
    this.#process = process
  }

  static async start(domain: string): Promise<Flood> {
    const settings: SourceSettings = { domain, kind: 'virtual', service: 'fcm', size: publishBytes }
    const source = fork(new URL('../load/xmpp-source.ts', import.meta.url), [JSON.stringify(settings)])
    const { port } = await reported(source, 'listening')
    return new Flood(domain, port, source)
  }

  begin(seconds: number): void {
    this.#round = reported(this.#process, 'round')
    // Who waits for it hears of it, in `end`.
    this.#round.catch(() => undefined)
    this.#process.send({ seconds, window, rate: undefined, range: devices })
  }

  /** Resolves when its seconds are over and all it sent is answered, or given up. */
  end(): Promise<SourceRound> {
    if (this.#round === undefined) throw new Error('a flood that was never begun')
    return this.#round
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
  }
}

/** The next report of this kind; rejects when the process ends before. */
function reported<K extends SourceReport['kind']>(
  source: ChildProcess,
  kind: K,
): Promise<Extract<SourceReport, { kind: K }>> {
  return new Promise((resolve, reject) => {
    source.once('exit', (code, signal) => reject(new Error(`the flood ended: ${code ?? signal}`)))
    source.on('message', (report: SourceReport) => {
      if (report.kind === kind) resolve(report as Extract<SourceReport, { kind: K }>)
    })
  })
}
