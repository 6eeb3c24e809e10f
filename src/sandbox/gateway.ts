/**
 * A stand-in for MongoosePush: it speaks its HTTP API (v1, v2, v3) and is as strict about requests, but has no
 * provider behind it; what it answers is told by the device id (gateway-answers.ts) or by a rule of the
 * caller's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Conditions } from './conditions.ts'
import { answerByDeviceName, type SandboxAnswer, type SandboxRequest } from './gateway-answers.ts'
import { judgeRequest, maxBodyBytes } from './gateway-request.ts'

export interface GatewaySandboxOptions {
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** PEM texts; with them it speaks HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  /** Where the API starts, such as `/push/`; default `/`. */
  readonly pathPrefix?: string | undefined
  /** Every valid request is answered this much later; default 0. */
  readonly latencyMs?: number | undefined
  /** How many requests `requests` remembers, the newest; default 10 000. */
  readonly keep?: number | undefined
  /** Called for each valid request when its answer goes out (at once for `hang` and `reset`). */
  readonly onRequest?: ((request: SandboxRequest, answer: SandboxAnswer) => void) | undefined
}

/** Decides an answer; undefined leaves the request to the device-name rules. */
export type AnswerRule = (request: SandboxRequest) => SandboxAnswer | undefined

export interface GatewaySandbox extends AsyncDisposable {
  /** Origin, such as `http://127.0.0.1:8443`. */
  readonly url: string
  readonly port: number
  /** Valid requests in the order they came; the oldest are forgotten past `keep`. The caller may empty it. */
  readonly requests: SandboxRequest[]
  /** All valid requests so far. */
  readonly total: number
  /** Requests refused as not valid (422, or an empty 500), at most the first 1 000. */
  readonly refused: readonly RefusedRequest[]
  /** How many connections are open now. */
  connectionCount(): Promise<number>
  /** Who answers valid requests from now on; undefined: the device-name rules alone. */
  answerWith(rule: AnswerRule | undefined): void
  /** The first `count` of `requests`, once it holds that many. Rejects after `timeoutMs` (default 10 000). */
  next(count: number, timeoutMs?: number): Promise<SandboxRequest[]>
  /** Cuts every connection and stops listening. */
  close(): Promise<void>
}

export interface RefusedRequest {
  readonly path: string
  readonly status: number
  readonly body: string
}

const maxRefusedKept = 1_000
const jsonHeaders = {
  'cache-control': 'max-age=0, private, must-revalidate',
  'content-type': 'application/json; charset=utf-8',
  server: 'Cowboy',
}

export async function startGatewaySandbox(options: GatewaySandboxOptions = {}): Promise<GatewaySandbox> {
  const gateway = new Gateway(options)
  await gateway.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  return gateway
}

class Gateway implements GatewaySandbox {
  readonly requests: SandboxRequest[] = []
  readonly refused: RefusedRequest[] = []
  url = ''
  port = 0
  total = 0
  readonly #options: GatewaySandboxOptions
  readonly #server: Server
  readonly #keep: number
  readonly #latencyMs: number
  readonly #delayed = new Set<NodeJS.Timeout>()
  readonly #conditions = new Conditions()
  #rule: AnswerRule | undefined

  constructor(options: GatewaySandboxOptions) {
    this.#options = options
    this.#keep = options.keep ?? 10_000
    this.#latencyMs = options.latencyMs ?? 0
    const listener = this.#read.bind(this)
    this.#server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener)
    // Like Cowboy's idle timeout, so that keep-alive connections outlive a caller's pauses.
    this.#server.keepAliveTimeout = 60_000
  }

  async listen(port: number, host: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject).listen(port, host, 1024, resolve)
    await promise
    this.#server.off('error', reject)
    this.port = (this.#server.address() as AddressInfo).port
    const scheme = this.#options.tls === undefined ? 'http' : 'https'
    this.url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${this.port}`
  }

  connectionCount(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    this.#server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
    return promise
  }

  answerWith(rule: AnswerRule | undefined): void {
    this.#rule = rule
  }

  next(count: number, timeoutMs = 10_000): Promise<SandboxRequest[]> {
    if (count > this.#keep) return Promise.reject(new RangeError(`only ${this.#keep} requests are kept`))
    return this.#conditions.until(
      () => (this.requests.length >= count ? this.requests.slice(0, count) : undefined),
      timeoutMs,
      () => `${this.requests.length} of ${count} requests came`,
    )
  }

  async close(): Promise<void> {
    for (const timer of this.#delayed) clearTimeout(timer)
    this.#delayed.clear()
    this.#conditions.giveUp(new Error('the sandbox was closed'))
    if (!this.#server.listening) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    this.#server.closeAllConnections()
    await promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #read(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // Past the limit the rest is read and thrown away, so that the caller can read the answer.
      if (bytes <= maxBodyBytes) chunks.push(chunk)
    })
    request.on('end', () => {
      this.#receive(request, response, bytes > maxBodyBytes ? undefined : Buffer.concat(chunks))
    })
  }

  #receive(request: IncomingMessage, response: ServerResponse, body: Buffer | undefined): void {
    const { method = '', url: path = '', headers } = request
    const judgement = judgeRequest({ method, path, headers, body }, this.#options.pathPrefix ?? '/')
    switch (judgement.kind) {
      case 'look':
        respond(response, this.#look(judgement.at))
        break
      case 'refused':
        if (this.refused.length < maxRefusedKept) {
          this.refused.push({ path, status: judgement.status, body: judgement.body })
        }
        respond(response, judgement)
        break
      case 'notification':
        this.#take(
          {
            version: judgement.version,
            deviceId: judgement.deviceId,
            path,
            body: judgement.body,
            headers,
            receivedAtMs: performance.timeOrigin + performance.now(),
            status: 0,
          },
          response,
        )
    }
  }

  #take(request: SandboxRequest, response: ServerResponse): void {
    const answer = this.#rule?.(request) ?? answerByDeviceName(request)
    this.#remember(request)
    this.#answer(request, answer, response)
  }

  #remember(request: SandboxRequest): void {
    this.total++
    if (this.#keep > 0) this.requests.push(request)
    // A quarter more than `keep`, so that the array is not moved for every request.
    if (this.requests.length > this.#keep * 1.25) this.requests.splice(0, this.requests.length - this.#keep)
    this.#conditions.changed()
  }

  #answer(request: SandboxRequest, answer: SandboxAnswer, response: ServerResponse): void {
    const delayMs = this.#latencyMs + (answer.delayMs ?? 0)
    if (delayMs === 0 || answer.status === 'hang') {
      this.#answerNow(request, answer, response)
      return
    }
    const timer = setTimeout(() => {
      this.#delayed.delete(timer)
      this.#answerNow(request, answer, response)
    }, delayMs)
    this.#delayed.add(timer)
  }

  #answerNow(request: SandboxRequest, answer: SandboxAnswer, response: ServerResponse): void {
    const { status, body = null, headers } = answer
    if (status === 'reset') response.socket?.resetAndDestroy()
    else if (status !== 'hang') {
      request.status = status
      respond(response, { status, body: typeof body === 'string' ? body : JSON.stringify(body), headers })
    }
    this.#options.onRequest?.(request, answer)
  }

  /** The routes for those who watch it. */
  #look(at: 'healthcheck' | 'metrics'): { status: number; body: string; headers?: Record<string, string> } {
    if (at === 'metrics') {
      const name = 'mongoose_push_sandbox_requests_total'
      return {
        status: 200,
        body: `# HELP ${name} Valid notification requests so far\n# TYPE ${name} counter\n${name} ${this.total}\n`,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      }
    }
    const time = new Date().toISOString()
    const check = { output: { connected: 5, disconnected: 0 }, status: 'pass', time }
    const health = {
      checks: { 'pool:sandbox': [check] },
      description: 'Health of MongoosePush connections to FCM and APNS services',
      status: 'pass',
      version: 'sandbox',
    }
    return { status: 200, body: JSON.stringify(health) }
  }
}

/** MongoosePush's empty 500 carries no header but its length. */
function respond(
  response: ServerResponse,
  { status, body, headers }: { status: number; body: string; headers?: SandboxAnswer['headers'] },
): void {
  response.writeHead(status, {
    ...(body === '' ? undefined : jsonHeaders),
    ...headers,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

export type { SandboxAnswer, SandboxRequest }
