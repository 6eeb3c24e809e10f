import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Address } from '../address.ts'
import { AnswerTallies } from '../metrics/answer-tallies.ts'
import { adminRoutes, type Query } from './admin-routes.ts'
import { needsToken, unauthorized } from './authorization.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { answerEvents, eventRoutes, eventsPath, formType, jsonType, takeForms } from './event-routes.ts'
import { frameworkFault, HttpFault } from './fault.ts'
import { healthReport, healthType } from './health.ts'
import { parseJsonBody } from './json-body.ts'
import type { HttpPorts } from './ports.ts'
import { readPublishBody } from './publish-body.ts'
import { PublishReply } from './publish-reply.ts'
import { removeStaleSocket } from './stale-socket.ts'

const maxBodyBytes = 1024 * 1024
/** A request that is not there by then is not coming. */
const requestTimeoutMs = 30_000
/** Publishes are settled before the server closes: what is left then is a client that is slow to ask. */
const closeTimeoutMs = 1_000
const idleIntervalMs = 50

/** The daemon's own HTTP server: metrics, health, publishes, and what operators want to see. */
export class HttpServer implements AsyncDisposable {
  readonly #app: FastifyInstance
  readonly #ports: HttpPorts
  /** Methods by path. */
  readonly #methods = new Map<string, string[]>()

  constructor(ports: HttpPorts) {
    this.#ports = ports
    const answers = new AnswerTallies(ports.metrics.httpRequests)
    this.#app = fastify({
      bodyLimit: maxBodyBytes,
      requestTimeout: requestTimeoutMs,
      logger: false,
      clientErrorHandler: answerBrokenRequest,
      frameworkErrors: (error, _request, reply) => this.#refuse(reply, frameworkFault(400, error.message)),
    })
    this.#app.removeAllContentTypeParsers()
    this.#app.addContentTypeParser(jsonType, { parseAs: 'buffer' }, (_request, body: Buffer, done) =>
      done(null, parseJsonBody(body)),
    )
    this.#app.addHook('onRequest', (request, _reply, done) => done(this.#refusalOf(request)))
    this.#app.addHook('onResponse', (request, reply, done) => {
      answers.of(request.routeOptions.url ?? 'unknown', reply.statusCode).add(1)
      done()
    })
    this.#app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) =>
      this.#refuse(reply, this.#faultOf(error, request)),
    )
    this.#app.setNotFoundHandler(() => {
      throw notFound()
    })
    this.#addRoutes()
  }

  /**
   * Listens; resolves to where (the port that was taken for port 0). Rejects with the system's error: EADDRINUSE,
   * EACCES …
   */
  async listen(address: Address): Promise<string> {
    if (address.kind === 'tcp') return this.#app.listen({ host: address.host, port: address.port })
    await removeStaleSocket(address.path)
    await this.#app.listen({ path: address.path })
    return `unix:${address.path}`
  }

  /**
   * Takes no more requests and waits for the answers to those that are in, `withinMs` at most: then their
   * connections are cut.
   */
  async close(withinMs: number = closeTimeoutMs): Promise<void> {
    const { server } = this.#app
    // One whose request was refused unread falls idle only later, and would then be kept alive.
    const idle = setInterval(() => server.closeIdleConnections(), idleIntervalMs)
    const cut = setTimeout(() => server.closeAllConnections(), withinMs)
    await this.#app.close()
    clearInterval(idle)
    clearTimeout(cut)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #addRoutes(): void {
    const ports = this.#ports
    this.#route('GET', '/metrics', async (request, reply) => {
      const { contentType, body } = await ports.metrics.render(request.headers.accept)
      return reply.type(contentType).send(body)
    })
    this.#route('GET', '/healthz', async (_request, reply) => {
      const { status, body } = healthReport(ports.health(), ports.version, ports.nowMs())
      return reply.code(status).type(healthType).send(body)
    })
    this.#route('GET', '/readyz', async (_request, reply) => {
      const missing = ports.notReady()
      return reply.code(missing.length === 0 ? 200 : 503).send({ ready: missing.length === 0, missing })
    })
    this.#route('POST', '/v1/publish', (request, reply) => {
      ports.publish(readPublishBody(request.body), new PublishReply(reply))
    })
    for (const route of eventRoutes) {
      if (route.type === jsonType) this.#route('POST', route.path, answerEvents(route, ports))
    }
    this.#app.register(async (scope) => {
      takeForms(scope)
      for (const route of eventRoutes) {
        if (route.type === formType) this.#route('POST', route.path, answerEvents(route, ports), scope)
      }
    })
    for (const { method, path, answer } of adminRoutes(ports)) {
      this.#route(method, path, async (request, reply) => {
        const answered = await answer(lastValues(request.query), request.body)
        return reply.header('cache-control', 'no-store').send(answered)
      })
    }
  }

  #route(
    method: 'GET' | 'POST',
    url: string,
    handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
    app = this.#app,
  ): void {
    app.route({ method, url, handler })
    this.#methods.set(url, method === 'GET' ? ['GET', 'HEAD'] : [method])
  }

  /** Before anything of the body is read: may they ask at all, is there such a thing, can it be done to it. */
  #refusalOf(request: FastifyRequest): HttpFault | undefined {
    const [path = '', query = ''] = request.url.split('?', 2)
    const token = this.#ports.token()
    if (token !== undefined && needsToken(path)) {
      const inQuery = path.startsWith(eventsPath) ? new URLSearchParams(query).get('token') : null
      const refusal = unauthorized(request.headers.authorization, inQuery ?? undefined, token)
      if (refusal !== undefined) return refusal
    }
    const methods = this.#methods.get(path)
    if (methods === undefined) return notFound()
    if (methods.includes(request.method)) return undefined
    const allow = methods.join(', ')
    return new HttpFault(405, 'wrong-method', `Allowed here: ${allow}.`, { headers: { allow } })
  }

  #faultOf(error: Error & { statusCode?: number }, request: FastifyRequest): HttpFault {
    if (error instanceof HttpFault) return error
    const status = error.statusCode ?? 500
    if (status === 413) this.#ports.metrics.limitsHit.child('http_body_bytes').add(1)
    const expected = eventRoutes.find(({ path }) => path === request.routeOptions.url)?.type ?? jsonType
    if (status < 500 || status === 503) return frameworkFault(status, error.message, expected)
    this.#ports.log.error({ err: error, route: request.routeOptions.url }, 'An HTTP request failed')
    return new HttpFault(500, 'internal-error', 'The daemon failed; its log says why.')
  }

  #refuse(reply: FastifyReply, fault: HttpFault): FastifyReply {
    return reply.code(fault.status).headers(fault.headers).send(fault.body)
  }
}

function notFound(): HttpFault {
  return new HttpFault(404, 'not-found', 'There is nothing at this path.')
}

function lastValues(query: unknown): Query {
  return Object.fromEntries(
    Object.entries(query as Readonly<Record<string, string | string[]>>).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.at(-1) : value,
    ]),
  )
}
