/**
 * MongoosePush's HTTP API, spoken by this daemon: a request becomes a notification, and what becomes of that its answer.
 * What requests and answers look like is `src/core/gateway`'s; how they come and go, the listener's.
 */
import type { Server } from 'node:net'
import { noMatchingPool } from '../../core/gateway/pools.ts'
import {
  faultAnswer,
  type ServedAnswer,
  servedAnswer,
  servedCategory,
  servedWord,
} from '../../core/gateway/served-answer.ts'
import { servedDomain } from '../../core/gateway/served-domain.ts'
import { servedOpenApi } from '../../core/gateway/served-openapi.ts'
import { readServedRequest } from '../../core/gateway/served-request.ts'
import type { ApiVersion } from '../../core/mongoosepush/request.ts'
import type { Notification } from '../../core/notification.ts'
import type { AttemptOutcome, Outcome } from '../../core/outcome.ts'
import type { Address } from '../address.ts'
import type { ListenHandle } from '../http/listening.ts'
import { AnswerTallies } from '../metrics/answer-tallies.ts'
import type { Distribution } from '../metrics/tally.ts'
import { refusalOf } from './admission.ts'
import type { BodyEnd, Call } from './call.ts'
import { healthAnswer } from './health-answer.ts'
import { Listener } from './listener.ts'
import type { ListenerLimits } from './listener-limits.ts'
import { MongoosePushMetrics } from './mongoosepush-metrics.ts'
import type { ServedApiPorts } from './ports.ts'
import type { ServerCertificate } from './server-certificate.ts'

/** Pushes are settled before it closes: what is left then is a client that is slow to read. */
const closeTimeoutMs = 1_000

/**
 * A body of at most so many bytes never makes a push that is too large for its provider: when it is rewritten, JSON grows at
 * most about five times (`1e20`), and the added fields have less than 200 bytes. For a longer body the push is built to check
 * its size.
 */
const alwaysFitsBytes = 700

type Route = ApiVersion | 'other'

/** What is said of ourselves, in the words of an attempt that failed. */
const noRoom = {
  kind: 'retry',
  cause: 'throttled',
  reason: 'too_many_requests',
  retryAfterMs: 1_000,
  known: true,
} as const satisfies AttemptOutcome
const stopping = {
  ...noRoom,
  cause: 'connect_error',
  reason: 'unable_to_connect',
  retryAfterMs: 5_000,
} as const
const storeFailed = { ...noRoom, cause: 'server_error', reason: 'InternalServerError' } as const

export class ServedApi {
  readonly #ports: ServedApiPorts
  readonly #listener: Listener
  readonly #theirMetrics: MongoosePushMetrics
  readonly #durations: Readonly<Record<ApiVersion, Distribution>>
  readonly #answers: AnswerTallies
  /** Connections on which an open path is being answered. */
  readonly #served = new WeakSet<object>()
  #address: string | undefined
  /** Made when it is first asked for. */
  #openApi: string | undefined

  constructor(ports: ServedApiPorts, limits: Partial<ListenerLimits> = {}) {
    this.#ports = ports
    this.#answers = new AnswerTallies(ports.metrics.servedRequests)
    const { metrics, monotonicMs } = ports
    this.#theirMetrics = new MongoosePushMetrics(metrics, ports.pools)
    const durations = metrics.servedRequestDuration
    this.#durations = { v1: durations.child('v1'), v2: durations.child('v2'), v3: durations.child('v3') }
    this.#listener = new Listener(
      {
        metrics,
        monotonicMs,
        admit: (call) => this.#admit(call),
        take: (call, end) => this.#take(call, end),
      },
      limits,
    )
  }

  /** See `Listener.listen`. */
  async listen(
    address: Address,
    certificate: ServerCertificate | undefined,
    handedOver?: ListenHandle,
  ): Promise<string> {
    const at = await this.#listener.listen(address, certificate, handedOver)
    this.#address = at
    return at
  }

  /** See `Listener.handOver`. */
  handOver(give: (server: Server) => Promise<void>): Promise<void> {
    return this.#listener.handOver(give)
  }

  /** Where it listens; undefined: not yet. */
  get address(): string | undefined {
    return this.#address
  }

  /** What connections to come are shown. @throws OpenSSL's error for what is no certificate with its key. */
  renew(certificate: ServerCertificate): void {
    this.#listener.renew(certificate)
  }

  /** Lets no more connections in. What is under way is still answered; requests to come are refused. */
  drain(): void {
    this.#listener.drain()
  }

  /** Ends when all is answered; what is still open after `withinMs` is cut. */
  async close(withinMs: number = closeTimeoutMs): Promise<void> {
    await this.#listener.close(withinMs)
  }

  /** Refuses a request by its head alone. */
  #admit(call: Call): boolean {
    const route = routeOf(call.path)
    if (route === '/healthcheck' || route === '/metrics') return this.#admitOpen(call)
    const refusal = refusalOf(call, this.#ports.admission())
    if (refusal === undefined) return true
    const version = versionOf(call.path)
    this.#answer(call, version ?? 'other', faultAnswer(version, refusal))
    return false
  }

  /** A connection has at most one request for an open path at a time: answers that it does not read stay in memory. */
  #admitOpen(call: Call): boolean {
    const { connection } = call
    if (this.#served.has(connection)) {
      this.#ports.metrics.limitsHit.child('served_open_requests').add(1)
      this.#answer(call, 'other', servedAnswer('v3', noRoom))
      return false
    }
    this.#served.add(connection)
    call.onClosed(() => this.#served.delete(connection))
    return true
  }

  #take(call: Call, end: BodyEnd): void {
    try {
      const route = routeOf(call.path)
      if (route === '/healthcheck' || route === '/metrics' || route === '/swagger.json')
        this.#show(call, route)
      else this.#push(call, end)
    } catch (err) {
      this.#failed(call, err)
    }
  }

  #show(call: Call, route: '/healthcheck' | '/metrics' | '/swagger.json'): void {
    if (call.method !== 'GET' && call.method !== 'HEAD') {
      const answer = faultAnswer(undefined, 'method_not_allowed')
      this.#answer(call, 'other', { ...answer, headers: { ...answer.headers, allow: 'GET, HEAD' } })
      return
    }
    switch (route) {
      case '/healthcheck':
        this.#answer(
          call,
          'other',
          healthAnswer(this.#ports.pools(), this.#ports.version, this.#ports.nowMs()),
        )
        return
      case '/metrics':
        this.#showMetrics(call).catch((err: unknown) => this.#failed(call, err))
        return
      case '/swagger.json':
        this.#openApi ??= JSON.stringify(servedOpenApi(this.#ports.version))
        this.#answer(call, 'other', { status: 200, headers: jsonHeaders, body: this.#openApi })
        return
    }
    route satisfies never
  }

  /** Always as Prometheus's text: OpenMetrics knows no counter that ends as MongoosePush's do. */
  async #showMetrics(call: Call): Promise<void> {
    const { contentType, body } = await this.#ports.metrics.render(undefined)
    const headers = { 'content-type': contentType }
    this.#answer(call, 'other', { status: 200, headers, body: body + this.#theirMetrics.render() })
  }

  #push(call: Call, end: BodyEnd): void {
    const request = readServedRequest(call, servedDomain, this.#ports.nowMs())
    if (request.kind === 'refused') {
      const version = versionOf(call.path)
      const answer =
        end === 'no_room' && request.answer.status === 413
          ? servedAnswer(version ?? 'v3', noRoom)
          : request.answer
      this.#answer(call, version ?? 'other', answer)
      return
    }
    const { version, notification, wait } = request
    if (notification.device.service === 'apns' && notification.topic === undefined) {
      this.#theirMetrics.defaultTopicUsed()
    }
    // Answered at once, whatever the state of the provider; a push that can never be delivered is not stored.
    if ((call.body?.length ?? 0) > alwaysFitsBytes && this.#ports.isTooLarge(notification)) {
      this.#answer(call, version, faultAnswer(version, 'payload_too_large'))
      return
    }
    if (wait) this.#send(call, version, notification)
    else this.#store(call, version, notification)
  }

  #send(call: Call, version: ApiVersion, notification: Notification): void {
    const end = (outcome: AttemptOutcome | Outcome) =>
      this.#answer(call, version, servedAnswer(version, outcome))
    if (!this.#submit(notification, end)) end(this.#refusal())
  }

  #submit(notification: Notification, end: (outcome: AttemptOutcome | Outcome) => void): boolean {
    const beganMs = this.#ports.monotonicMs()
    return this.#ports.submitOnce(notification, (outcome) => {
      this.#count(notification.device.service, outcome, beganMs)
      end(outcome)
    })
  }

  /** `wait=false`. What is to be delivered now or never is sent now. */
  #store(call: Call, version: ApiVersion, notification: Notification): void {
    const end = (outcome: AttemptOutcome | Outcome) =>
      this.#answer(call, version, servedAnswer(version, outcome))
    if (!this.#ports.hasPool(notification)) end(noMatchingPool)
    else if (notification.timeToLiveS === 0) {
      end(this.#submit(notification, () => undefined) ? { kind: 'stored' } : this.#refusal())
    } else {
      const stored = this.#listener.isDraining ? undefined : this.#ports.revive(notification)
      if (stored === undefined) end(this.#refusal())
      else
        stored.then(
          () => end({ kind: 'stored' }),
          (err: unknown) => {
            this.#ports.log.error({ err }, 'cannot store a push of the served API: it was answered 503')
            end(storeFailed)
          },
        )
    }
  }

  #refusal(): AttemptOutcome {
    return this.#listener.isDraining ? stopping : noRoom
  }

  #count(service: string, outcome: AttemptOutcome | Outcome, beganMs: number): void {
    const durationUs = (this.#ports.monotonicMs() - beganMs) * 1000
    if (outcome.kind === 'delivered' || outcome.kind === 'stored') {
      this.#theirMetrics.sent(service, '', '', durationUs)
      return
    }
    const word = servedWord(outcome)
    this.#theirMetrics.sent(service, servedCategory(word), word, durationUs)
  }

  #answer(call: Call, route: Route, answer: ServedAnswer): void {
    const isThere = call.answer(answer, this.#listener.isDraining)
    this.#answers.of(route, isThere ? answer.status : 'gone').add(1)
    if (route === 'other') return
    this.#durations[route].observe((this.#ports.monotonicMs() - call.beganMs) / 1000)
  }

  /** It is a fault of ours: whoever asks is told no more than that. */
  #failed(call: Call, err: unknown): void {
    this.#ports.log.error({ err }, 'a request to the served API failed')
    if (!call.isAnswered) this.#answer(call, 'other', { status: 500, headers: jsonHeaders, body: 'null' })
  }
}

/** A request's path without its query. */
function routeOf(path: string): string {
  const query = path.indexOf('?')
  return query === -1 ? path : path.slice(0, query)
}

/** The API version in the path, if it has one. */
function versionOf(path: string): ApiVersion | undefined {
  return /^\/(v[123])\/notification\//.exec(path)?.[1] as ApiVersion | undefined
}

const jsonHeaders = { 'content-type': 'application/json; charset=utf-8' }
