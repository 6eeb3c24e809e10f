import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { FromWorker, OtherAnswer, ToWorker } from '../../core/worker-protocol.ts'
import { maxBatch, requestWidth, silentMs } from '../../core/worker-protocol.ts'
import { Inflight } from './inflight.ts'
import type { PendingPush } from './pending-push.ts'

/** Who is told of a session's answers as they come, one message at a time, and that it takes work. */
export interface AnswerReader {
  read(session: WorkerSession, plain: readonly number[], other: readonly OtherAnswer[]): void
  /** For the first time, or again. */
  ready(): void
}

/** The main thread's end of one worker: what it was given and has not answered yet. */
export class WorkerSession {
  readonly index: number
  /** Handed over and not answered, by request id. */
  readonly inflight: Inflight<PendingPush>
  /** The same, counted by origin. */
  readonly inflightByOrigin: number[]
  openConnections: readonly number[] = []
  utilization = 0
  /** Its first beat has come. */
  up = false
  /** When it last said something. Monotonic. */
  heardAtMs: number
  readonly #windows: readonly number[]
  readonly #port: MessagePort
  readonly #reader: AnswerReader
  readonly #monotonicMs: () => number
  #batch: (number | string)[] = []

  /** `windows`: by origin, how many requests it may hold. */
  constructor(
    index: number,
    windows: readonly number[],
    port: MessagePort,
    reader: AnswerReader,
    monotonicMs: () => number,
  ) {
    this.index = index
    this.#windows = windows
    this.inflight = new Inflight(windows.reduce((sum, window) => sum + window, 0))
    this.inflightByOrigin = windows.map(() => 0)
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

  /** Free places of its window at this origin. */
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

  flush(): void {
    if (this.#batch.length === 0) return
    this.say({ kind: 'batch', requests: this.#batch })
    this.#batch = []
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
      case 'beat':
        this.openConnections = message.openConnections
        this.utilization = message.utilization
        this.up = true
        if (!tookWork) this.#reader.ready()
        return
    }
    message satisfies never
  }
}
