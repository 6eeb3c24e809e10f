import type { Server, Socket } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Address } from '../address.ts'
import { AnswerTallies } from '../metrics/answer-tallies.ts'
import { adminRoutes, type Query } from './admin-routes.ts'
import { isOpenToAll, needsToken, unauthorized } from './authorization.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { answerEvents, eventRoutes, eventsPath, formType, jsonType, takeForms } from './event-routes.ts'
import { frameworkFault, HttpFault } from './fault.ts'
import { healthReport, healthType } from './health.ts'
import { parseJsonBody } from './json-body.ts'
import { KnownHosts, splitTarget } from './known-hosts.ts'
import { type ListenHandle, Listening } from './listening.ts'
import type { HttpPorts } from './ports.ts'
import { readPublishBody } from './publish-body.ts'
import { PublishReply } from './publish-reply.ts'

const maxBodyBytes = 1024 * 1024

/** Limits on the requests of strangers. */
export interface HttpLimits {
  readonly maxConnections: number
  /** From the first byte of a request, or the opening of its connection, to the end of its head. */
  readonly headMs: number
  /** To the end of its body. */
  readonly requestMs: number
  /** A connection on which nothing moves: nobody reads the answer. Longer than a publish or an event waits for its own. */
  readonly idleMs: number
}

const httpLimits: HttpLimits = {
  maxConnections: 1_000,
  headMs: 10_000,
  requestMs: 30_000,
  idleMs: 120_000,
}
/** How often Node.js looks for requests that take too long. */
const sweepIntervalMs = 1_000
/** Publishes are settled before the server closes: what is left then is a client that is slow to ask. */
const closeTimeoutMs = 1_000
const idleIntervalMs = 50

/** The daemon's own HTTP server: metrics, health, publishes, and what operators want to see. */
export class HttpServer implements AsyncDisposable {
  readonly #app: FastifyInstance
  readonly #ports: HttpPorts
  /** Methods by path. */
  readonly #methods = new Map<string, string[]>()
  /** Connections on which an open path is being answered. */
  readonly #served = new WeakSet<Socket>()
  /** Set once the server listens; before that there are no requests. */
  #address: Address | undefined
  #listening: Listening | undefined
  #closed: PromiseLike<unknown> | undefined
  #hosts: { readonly named: readonly string[]; readonly known: KnownHosts } | undefined

  constructor(ports: HttpPorts, limits: Partial<HttpLimits> = {}) {
    this.#ports = ports
    const { maxConnections, headMs, requestMs, idleMs } = { ...httpLimits, ...limits }
    const answers = new AnswerTallies(ports.metrics.httpRequests)
    this.#app = fastify({
      bodyLimit: maxBodyBytes,
      requestTimeout: requestMs,
      // What is asked while it closes is answered, too, and the connection ends with that.
      return503OnClosing: false,
      http: {
        headersTimeout: headMs,
        connectionsCheckingInterval: Math.min(sweepIntervalMs, headMs),
      },
      logger: false,
      clientErrorHandler: (error, socket) => {
        if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') this.#limitHit('http_request_time')
        answerBrokenRequest(error, socket)
      },
      rewriteUrl: ({ url = '' }) => splitTarget(url).path,
      frameworkErrors: (error, _request, reply) => this.#refuse(reply, frameworkFault(400, error.message)),
    })
    this.#app.server.maxConnections = maxConnections
    this.#app.server.on('drop', () => this.#limitHit('http_connections'))
    this.#app.server.setTimeout(idleMs, (socket) => {
      this.#limitHit('http_idle_time')
      socket.destroy()
    })
    this.#app.removeAllContentTypeParsers()
    this.#app.addContentTypeParser(jsonType, { parseAs: 'buffer' }, (_request, body: Buffer, done) =>
      done(null, parseJsonBody(body)),
    )
    this.#app.addHook('onRequest', (request, reply, done) => {
      const refusal = this.#refusalOf(request)
      const { socket } = request.raw
      if (refusal === undefined && isOpenToAll(pathOf(request))) {
        this.#served.add(socket)
        reply.raw.once('close', () => this.#served.delete(socket))
      }
      done(refusal)
    })
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
   * Listens, or goes on with a socket that listens there already; resolves to where (the port that was taken for port 0).
   * Rejects with the system's error: EADDRINUSE, EACCES …
   */
  async listen(address: Address, handedOver?: ListenHandle): Promise<string> {
    this.#address = address
    await this.#app.ready()
    // Fastify's own `listen` runs a server for each address of localhost, and only one of them has the limits.
    const own =
      address.kind === 'tcp' && address.host === 'localhost' ? { ...address, host: '127.0.0.1' } : address
    this.#listening = await Listening.at(this.#app.server, own, handedOver)
    const { where } = this.#listening
    return address.kind === 'unix' ? where : `http://${where}`
  }

  /** Gives the listening socket away, through `give`. To be followed by `drain`. */
  async handOver(give: (server: Server) => Promise<void>): Promise<void> {
    await this.#listening?.handOver(give)
  }

  /** Takes no more connections, ends idle ones, and has each other one end with its last answer. */
  drain(): void {
    this.#listening?.end()
    this.#closed ??= this.#app.close()
  }

  /** Drains and waits for the answers to requests that are in, `withinMs` at most: then their connections are cut. */
  async close(withinMs: number = closeTimeoutMs): Promise<void> {
    const { server } = this.#app
    this.drain()
    // One whose request was refused unread falls idle only later, and would then be kept alive.
    const idle = setInterval(() => server.closeIdleConnections(), idleIntervalMs)
    const cut = setTimeout(() => server.closeAllConnections(), withinMs)
    await this.#closed
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
    const [, query = ''] = request.url.split('?', 2)
    const path = pathOf(request)
    const stranger = isOpenToAll(path) ? this.#secondOf(request) : this.#strangerOf(request)
    if (stranger !== undefined) return stranger
    // The mode of the socket file allows only its owner and its group.
    if (this.#address?.kind !== 'unix' && needsToken(path)) {
      const inQuery = path.startsWith(eventsPath) ? new URLSearchParams(query).get('token') : null
      const refusal = unauthorized(request.headers.authorization, inQuery ?? undefined, this.#ports.token())
      if (refusal !== undefined) return refusal
    }
    const methods = this.#methods.get(path)
    if (methods === undefined) return notFound()
    if (methods.includes(request.method)) return undefined
    const allow = methods.join(', ')
    return new HttpFault(405, 'wrong-method', `Allowed here: ${allow}.`, { headers: { allow } })
  }

  /** A connection has at most one request for an open path at a time: answers that it does not read stay in memory. */
  #secondOf({ raw: { socket } }: FastifyRequest): HttpFault | undefined {
    if (!this.#served.has(socket)) return undefined
    this.#limitHit('http_open_requests')
    const message = 'Only one such request at a time on a connection: wait for its answer.'
    return new HttpFault(429, 'resource-constraint', message, { headers: { 'retry-after': '1' } })
  }

  /** Refuses requests with an unknown host name, and requests of pages of other sites. */
  #strangerOf({ headers, originalUrl }: FastifyRequest): HttpFault | undefined {
    const hosts = this.#knownHosts()
    const authority = splitTarget(originalUrl).authority ?? headers.host
    if (!hosts.has(authority)) {
      const message =
        'The Host of the request is not a name of this server: use the address of http.listen or localhost, or add the name to http.hosts.'
      return new HttpFault(421, 'misdirected-request', message)
    }
    if (headers.origin === undefined || hosts.isOwnOrigin(headers.origin, authority)) return undefined
    const message =
      'The request comes from a page of another site (Origin): add the site to http.hosts to allow it.'
    return new HttpFault(403, 'foreign-origin', message)
  }

  #knownHosts(): KnownHosts {
    const named = this.#ports.hosts()
    if (this.#hosts?.named !== named) {
      if (this.#address === undefined) throw new Error('a request before it listens')
      this.#hosts = { named, known: new KnownHosts(this.#address, named) }
    }
    return this.#hosts.known
  }

  #faultOf(error: Error & { statusCode?: number }, request: FastifyRequest): HttpFault {
    if (error instanceof HttpFault) return error
    const status = error.statusCode ?? 500
    if (status === 413) this.#limitHit('http_body_bytes')
    const expected = eventRoutes.find(({ path }) => path === request.routeOptions.url)?.type ?? jsonType
    if (status < 500 || status === 503) return frameworkFault(status, error.message, expected)
    this.#ports.log.error({ err: error, route: request.routeOptions.url }, 'An HTTP request failed')
    return new HttpFault(500, 'internal-error', 'The daemon failed; its log says why.')
  }

  #limitHit(limit: string): void {
    this.#ports.metrics.limitsHit.child(limit).add(1)
  }

  #refuse(reply: FastifyReply, fault: HttpFault): FastifyReply {
    return reply.code(fault.status).headers(fault.headers).send(fault.body)
  }
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? ''
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
