import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { pino } from 'pino'
import { afterEach } from 'vitest'
import type { Notification } from '../../../src/core/notification.ts'
import type { AttemptOutcome, Outcome } from '../../../src/core/outcome.ts'
import { KnownHosts } from '../../../src/main/http/known-hosts.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'
import type { AdmissionRules } from '../../../src/main/served-api/admission.ts'
import type { ListenerLimits } from '../../../src/main/served-api/listener-limits.ts'
import type { ServedApiPorts } from '../../../src/main/served-api/ports.ts'
import { ServedApi } from '../../../src/main/served-api/served-api.ts'
import { localhostCertificate } from '../../../src/sandbox/providers/authority.ts'
import { answerTo, type HttpAnswer } from '../../support/http-answer.ts'

export const certificate = { ...localhostCertificate(), clientCa: undefined }

/** Callers need nothing, and may use any name. */
export const openRules: AdmissionRules = {
  tokens: undefined,
  hosts: new KnownHosts({ kind: 'tcp', host: '127.0.0.1', port: 0 }, []),
  onlyByName: false,
}

/** Closed after each test. */
const apis: ServedApi[] = []
afterEach(async () => {
  for (const api of apis.splice(0)) await api.close(0)
})

export interface Running {
  readonly api: ServedApi
  readonly url: string
  readonly port: number
  readonly metrics: Metrics
  readonly log: string[]
  /** What was submitted, or stored. */
  readonly submitted: Notification[]
  readonly stored: Notification[]
}

export interface RunOptions {
  readonly tls?: boolean
  /** Authorities of clients' certificates. */
  readonly clientCa?: string
  /** Listens there instead of on a port. */
  readonly unixPath?: string
  readonly limits?: Partial<ListenerLimits>
  readonly ports?: Partial<ServedApiPorts>
  /** What each push comes to, in the next turn of the event loop; default: delivered. */
  readonly outcome?: (notification: Notification) => AttemptOutcome | Outcome
}

/** The API on a port of its own, before a dispatcher that knows what each push comes to. */
export async function run({
  tls = false,
  clientCa,
  unixPath,
  limits = {},
  ports = {},
  outcome,
}: RunOptions = {}): Promise<Running> {
  const log: string[] = []
  const submitted: Notification[] = []
  const stored: Notification[] = []
  const metrics = new Metrics('1.2.3')
  const api = new ServedApi(
    {
      version: '1.2.3',
      metrics,
      log: pino({}, { write: (line: string) => void log.push(line) }),
      nowMs: () => 1_700_000_000_000,
      monotonicMs: () => performance.now(),
      pools: () => [{ label: 'apns', service: 'apns', connected: 1, connections: 2, fault: undefined }],
      hasPool: () => true,
      isTooLarge: () => false,
      admission: () => openRules,
      submitOnce(notification, settled) {
        submitted.push(notification)
        setImmediate(() => settled(outcome?.(notification) ?? { kind: 'delivered' }))
        return true
      },
      revive(notification) {
        stored.push(notification)
        return Promise.resolve()
      },
      ...ports,
    },
    limits,
  )
  apis.push(api)
  const address =
    unixPath === undefined
      ? ({ kind: 'tcp', host: '127.0.0.1', port: 0 } as const)
      : ({ kind: 'unix', path: unixPath } as const)
  const url = await api.listen(address, tls ? { ...certificate, clientCa } : undefined)
  return { api, url, port: Number(new URL(url).port), metrics, log, submitted, stored }
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** One request over HTTP/1.1, with nothing added to it. */
export function ask(url: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<HttpAnswer> {
  const options = { method, headers: { connection: 'close', ...headers }, ca: certificate.ca }
  const send = url.startsWith('https:') ? secureRequest : request
  return answerTo(send(url, options), body)
}

export const alert = { service: 'apns', alert: { title: 'T', body: 'B' } }

/** One push over HTTP/1.1. */
export function push(url: string, path = '/v3/notification/d', body: unknown = alert): Promise<HttpAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return ask(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text })
}

export async function metric(metrics: Metrics, line: string): Promise<string | undefined> {
  const { body } = await metrics.render(undefined)
  return body
    .split('\n')
    .find((shown) => shown.startsWith(`xmpp_pushd_${line} `))
    ?.split(' ')
    .at(-1)
}
