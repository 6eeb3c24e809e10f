import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { ProviderRequest } from '../../core/gateway/ports.ts'
import type { FromWorker, JudgedAnswer, OtherAnswer, ToWorker } from '../../core/worker-protocol.ts'
import {
  headerLines,
  maxBatch,
  providerRequestWidth,
  requestWidth,
  silentMs,
} from '../../core/worker-protocol.ts'
import { Inflight } from './inflight.ts'
import type { PendingPush } from './pending-push.ts'
import { largestWindowFor, providerWindow } from './windows.ts'

/** Who is told of a session's answers as they come, one message at a time, and that it takes work. */
export interface AnswerReader {
  read(session: WorkerSession, plain: readonly number[], other: readonly OtherAnswer[]): void
  readJudged(session: WorkerSession, judged: readonly JudgedAnswer[]): void
  /** For the first time, or again. */
  ready(): void
}

/** The main thread's end of one worker: what it was given and has not answered yet. */
export class WorkerSession {
  readonly index: number
  /** Handed over and not answered, by request id. */
  readonly inflight: Inflight<PendingPush>
  /** The same, counted by origin, then by provider pool. */
  readonly inflightByOrigin: number[]
  openConnections: readonly number[] = []
  utilization = 0
  /** Its first beat has come. */
  up = false
  /** When it last said something. Monotonic. */
  heardAtMs: number
  /** By origin, then by provider pool, whose windows follow what their connections take. */
  readonly #windows: number[]
  readonly #poolConnections: readonly number[]
  readonly #port: MessagePort
  readonly #reader: AnswerReader
  readonly #monotonicMs: () => number
  #batch: (number | string)[] = []
  #providerBatch: (number | string)[] = []

  /** `windows`: by origin, how many requests it may hold; `poolConnections`: by provider pool, how many it may open. */
  constructor(
    index: number,
    windows: readonly number[],
    poolConnections: readonly number[],
    port: MessagePort,
    reader: AnswerReader,
    monotonicMs: () => number,
  ) {
    this.index = index
    this.#poolConnections = poolConnections
    this.#windows = [...windows, ...poolConnections.map((connections) => providerWindow(0, connections))]
    const largest = [...windows, ...poolConnections.map(largestWindowFor)]
    this.inflight = new Inflight(largest.reduce((sum, window) => sum + window, 0))
    this.inflightByOrigin = largest.map(() => 0)
    this.#port = port
    this.#reader = reader
    this.#monotonicMs = monotonicMs
    this.heardAtMs = monotonicMs()
    port.on('message', (message: FromWorker) => this.#hear(message))
  }

  /** It gives signs of life. */
  takesWork(nowMs: number): boolean {
    return this.up && nowMs - this.heardAtMs <= silentMs
  }

  /** How many requests it may hold at this origin or pool at present. */
  window(origin: number): number {
    return this.#windows[origin] ?? 0
  }

  /** Free places of that; below 0 when the window has become smaller. */
  room(origin: number): number {
    return (this.#windows[origin] ?? 0) - (this.inflightByOrigin[origin] ?? 0)
  }

  /** Puts a request into the batch that `flush` sends; a full batch goes at once. */
  add(push: PendingPush, origin: number, path: string, body: string): void {
    const id = this.inflight.add(push)
    this.inflightByOrigin[origin] = (this.inflightByOrigin[origin] ?? 0) + 1
    this.#batch.push(id, origin, path, body)
    if (this.#batch.length >= maxBatch * requestWidth) this.flush()
  }

  /** The same for provider pool `pool`, which is `origin` among all. */
  addForProvider(push: PendingPush, origin: number, pool: number, request: ProviderRequest): void {
    const id = this.inflight.add(push)
    this.inflightByOrigin[origin] = (this.inflightByOrigin[origin] ?? 0) + 1
    this.#providerBatch.push(id, pool, request.path, headerLines(request.headers), request.body)
    if (this.#providerBatch.length >= maxBatch * providerRequestWidth) this.flush()
  }

  flush(): void {
    if (this.#batch.length > 0) {
      this.say({ kind: 'batch', requests: this.#batch })
      this.#batch = []
    }
    if (this.#providerBatch.length === 0) return
    this.say({ kind: 'provider_batch', requests: this.#providerBatch })
    this.#providerBatch = []
  }

  say(message: ToWorker): void {
    this.#port.postMessage(message)
  }

  /** The push that this answer is for; it is no longer in flight. */
  take(id: number): PendingPush | undefined {
    const push = this.inflight.take(id)
    if (push === undefined) return undefined
    this.inflightByOrigin[push.origin] = (this.inflightByOrigin[push.origin] ?? 1) - 1
    return push
  }

  /** The worker is gone: reads what it still managed to say, then gives back what is left without an answer. */
  end(): PendingPush[] {
    for (;;) {
      const received: { message: FromWorker } | undefined = receiveMessageOnPort(this.#port)
      if (received === undefined) break
      this.#hear(received.message)
    }
    this.#port.close()
    this.up = false
    const left = this.inflight.takeAll()
    this.inflightByOrigin.fill(0)
    return left
  }

  #hear(message: FromWorker): void {
    const nowMs = this.#monotonicMs()
    const tookWork = this.takesWork(nowMs)
    this.heardAtMs = nowMs
    switch (message.kind) {
      case 'answers':
        this.#reader.read(this, message.plain, message.other)
        return
      case 'provider_answers':
        this.#reader.readJudged(this, message.judged)
        return
      case 'beat':
        this.openConnections = message.openConnections
        this.utilization = message.utilization
        this.up = true
        if (this.#fitWindows(message.streams) || !tookWork) this.#reader.ready()
        return
    }
    message satisfies never
  }

  /** True: some have become larger. */
  #fitWindows(streams: readonly number[]): boolean {
    let larger = false
    const first = this.#windows.length - this.#poolConnections.length
    for (const [i, connections] of this.#poolConnections.entries()) {
      const window = providerWindow(streams[i] ?? 0, connections)
      larger ||= window > this.window(first + i)
      this.#windows[first + i] = window
    }
    return larger
  }
}
