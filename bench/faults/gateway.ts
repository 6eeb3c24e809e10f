import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  type FromGateway,
  fates,
  type GatewaySettings,
  recordWidth,
  type ToGateway,
} from './gateway-protocol.ts'
import type { Ledger } from './ledger.ts'
import type { Weather } from './weather.ts'

/** The gateway thread, and its entries in the ledger. */
export class Gateway implements AsyncDisposable {
  readonly port: number
  /** All requests, as last told. */
  requests = 0
  /** Of these, those of a flood. */
  ofFlood = 0
  connections = 0
  openConnections = 0
  readonly #thread: Worker
  #ledger: Ledger | undefined

  private constructor(thread: Worker, port: number) {
    this.#thread = thread
    this.port = port
    thread.on('message', (message: FromGateway) => this.#hear(message))
    thread.on('error', (error) => this.#ledger?.fault('the gateway of the run failed', String(error.stack)))
  }

  static async start(settings: Partial<GatewaySettings> & { readonly seed: number }): Promise<Gateway> {
    const workerData: GatewaySettings = { goneShare: 0, tls: undefined, port: 0, ...settings }
    const thread = new Worker(new URL('./gateway-thread.ts', import.meta.url), { workerData })
    const [first] = (await once(thread, 'message')) as [FromGateway]
    if (first.kind !== 'listening') throw new Error('the gateway of the run does not listen')
    return new Gateway(thread, first.port)
  }

  /** Where it writes from now on. */
  set ledger(ledger: Ledger) {
    this.#ledger = ledger
  }

  async weather(weather: Weather): Promise<void> {
    this.#say({ kind: 'weather', weather })
    await this.#told('weathered')
  }

  certificate(cert: string, key: string): void {
    this.#say({ kind: 'certificate', cert, key })
  }

  /** Resolves when the ledger has all that the gateway knew when it was asked. */
  async flush(): Promise<void> {
    this.#say({ kind: 'flush' })
    await this.#told('flushed')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate()
  }

  #say(message: ToGateway): void {
    this.#thread.postMessage(message)
  }

  async #told(kind: FromGateway['kind']): Promise<void> {
    for (;;) {
      const [message] = (await once(this.#thread, 'message')) as [FromGateway]
      if (message.kind === kind) return
    }
  }

  #hear(message: FromGateway): void {
    if (message.kind === 'flushed') {
      this.requests = message.requests
      this.ofFlood = message.ofFlood
      this.connections = message.connections
      this.openConnections = message.open
    }
    const ledger = this.#ledger
    if (message.kind !== 'records' || ledger === undefined) return
    const { records } = message
    for (let i = 0; i < records.length; i += recordWidth) {
      const [sequence = 0, fate, atMs = 0] = records.slice(i, i + recordWidth)
      if (fate === fates.gone) ledger.gone(sequence)
      else if (fate === fates.doubted) ledger.doubted(sequence)
      else if (fate !== fates.failed) ledger.delivered(sequence, atMs, fate === fates.delivered)
    }
    for (const text of message.wrong) ledger.fault('a request that fits no publish', text)
  }
}
