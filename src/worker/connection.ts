import { performance } from 'node:perf_hooks'
import { Client, type Dispatcher } from 'undici'
import { reasonOf, retryAfterMs } from '../core/mongoosepush/answer.ts'
import type { NoResponseCause } from '../core/outcome.ts'
import type { OtherAnswer } from '../core/worker-protocol.ts'
import { describeError } from './describe-error.ts'

/** One notification as it is POSTed. */
export interface PostRequest {
  readonly id: number
  readonly path: string
  readonly body: string
}

/** Who is told of each request's one answer. */
export interface AnswerTaker {
  delivered(id: number, status: number, durationUs: number): void
  answered(answer: OtherAnswer): void
}

/** Whose connection it is. */
export interface ConnectionOwner {
  /** It is done with its request: the next that waits. */
  next(): PostRequest | undefined
  /** It has nothing to do. */
  rest(connection: Connection): void
  opened(): void
  closed(): void
}

/** More than this of an answer's body is not read. */
const maxBodyBytes = 64 * 1024

const headers = ['content-type', 'application/json']

/**
 * One keep-alive connection and the one request on it; it is undici's handler for that request itself, so a
 * request costs no object but undici's own. States:
 *
 * - `idle`: no request
 * - `waiting`: the request is undici's, the connection perhaps not open yet: nothing is sent
 * - `sent`: written; `answering`: the status is known
 * - `ended`: answered, but undici still lets go of it: its callbacks no longer mean anything
 *
 * After an answer read to its end the next request follows at once. After a failure it follows in a later turn
 * (`OriginPool.resume`): undici is in the midst of emptying its queue then. Once the status is known it is the
 * answer, whatever becomes of the body.
 */
export class Connection implements Dispatcher.DispatchHandler {
  readonly #client: Client
  readonly #pool: ConnectionOwner
  readonly #taker: AnswerTaker
  #state: 'idle' | 'waiting' | 'sent' | 'answering' | 'ended' = 'idle'
  #controller: Dispatcher.DispatchController | undefined
  #id = 0
  #sinceMs = 0
  #status = 0
  #retryAfterMs: number | undefined
  #bodyBytes = 0
  /** Pieces of the body, of answers other than 2xx alone. */
  #body: Buffer[] = []

  constructor(origin: string, options: Client.Options, pool: ConnectionOwner, taker: AnswerTaker) {
    this.#pool = pool
    this.#taker = taker
    this.#client = new Client(origin, options)
    this.#client.on('connect', () => pool.opened())
    this.#client.on('disconnect', () => pool.closed())
  }

  /** Only when idle. */
  post(request: PostRequest): void {
    this.#state = 'waiting'
    this.#controller = undefined
    this.#id = request.id
    this.#sinceMs = performance.now()
    this.#status = 0
    this.#retryAfterMs = undefined
    this.#bodyBytes = 0
    const { path, body } = request
    // Nothing is pipelined: nothing has to be resumed once the headers are there.
    this.#client.dispatch({ method: 'POST', path, headers, body, blocking: false }, this)
  }

  overdue(startedBeforeMs: number): boolean {
    return this.#state !== 'idle' && this.#state !== 'ended' && this.#sinceMs < startedBeforeMs
  }

  /** The request's time is up. False: nothing was sent yet, and this connection is of no more use. */
  giveUp(): boolean {
    if (this.#state === 'waiting') {
      this.#state = 'ended'
      this.#failed('connect_error', 'no connection within the request timeout')
      void this.destroy()
      return false
    }
    if (this.#state === 'answering') this.#answer()
    else this.#failed('timeout', 'no answer within the request timeout')
    this.#cut()
    return true
  }

  destroy(): Promise<void> {
    return this.#client.destroy()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#state === 'waiting') {
      this.#controller = controller
      this.#state = 'sent'
      this.#sinceMs = performance.now()
      return
    }
    // undici has put it back in its queue after a loss: a push is never sent twice without our knowing.
    controller.abort(new Error('already sent once'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    responseHeaders: Record<string, string | string[] | undefined>,
  ): void {
    // An interim answer (RFC 9110 §15.2) is not the answer.
    if (this.#state !== 'sent' || status < 200) return
    this.#state = 'answering'
    this.#status = status
    const given = responseHeaders['retry-after']
    const retryAfter = typeof given === 'string' ? given : given?.[0]
    if (retryAfter !== undefined) this.#retryAfterMs = retryAfterMs(retryAfter, Date.now())
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== 'answering') return
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > maxBodyBytes) {
      this.#answer()
      this.#cut()
      return
    }
    if (this.#status >= 300) this.#body.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#state !== 'answering') return
    this.#answer()
    const next = this.#pool.next()
    if (next !== undefined) this.post(next)
    else this.#rest()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    switch (this.#state) {
      case 'waiting':
        this.#failed('connect_error', describeError(error))
        break
      case 'sent':
        this.#failed('connection_lost', describeError(error))
        break
      case 'answering':
        this.#answer()
        break
      case 'idle':
      case 'ended':
        return
    }
    this.#rest()
  }

  /** Drops the connection under an answered request; undici opens it again for the next. */
  #cut(): void {
    this.#state = 'ended'
    this.#controller?.abort(new Error('given up'))
    this.#rest()
  }

  #rest(): void {
    this.#state = 'idle'
    this.#pool.rest(this)
  }

  #answer(): void {
    const durationUs = this.#durationUs()
    if (this.#status >= 200 && this.#status < 300) {
      this.#taker.delivered(this.#id, this.#status, durationUs)
      return
    }
    const body = this.#bodyBytes > maxBodyBytes ? '' : Buffer.concat(this.#body).toString()
    this.#body = []
    this.#taker.answered({
      id: this.#id,
      durationUs,
      status: this.#status,
      reason: reasonOf(body),
      retryAfterMs: this.#retryAfterMs,
      cause: undefined,
    })
  }

  #failed(cause: NoResponseCause, reason: string): void {
    this.#taker.answered({
      id: this.#id,
      durationUs: this.#durationUs(),
      status: 0,
      reason,
      retryAfterMs: undefined,
      cause,
    })
  }

  #durationUs(): number {
    return Math.round((performance.now() - this.#sinceMs) * 1000)
  }
}
