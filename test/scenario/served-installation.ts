import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { Agent, request } from 'node:https'
import type { RawRequest } from '../../src/core/gateway/served-request.ts'
import { type ApnsSandbox, startApnsSandbox } from '../../src/sandbox/providers/apns.ts'
import type { AnswerRule, ProviderAnswer } from '../../src/sandbox/providers/provider-request.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { freePort } from '../support/free-port.ts'
import { answerTo } from '../support/http-answer.ts'
import { Providers } from '../support/providers.ts'
import { until } from '../support/until.ts'

/** The daemon before the providers, as MongoosePush was set up for the capture: APNs for prod and dev, FCM for prod. */
export class ServedInstallation implements AsyncDisposable {
  readonly daemon: Daemon
  readonly providers: Providers
  /** APNs for the mode dev: it knows us by a certificate, so that pushes need no topic. */
  readonly apnsDev: ApnsSandbox
  readonly url: string
  readonly ca: string

  private constructor(daemon: Daemon, providers: Providers, apnsDev: ApnsSandbox, url: string) {
    this.daemon = daemon
    this.providers = providers
    this.apnsDev = apnsDev
    this.url = url
    this.ca = providers.authority.ca
  }

  static async start(gateway: Readonly<Record<string, unknown>> = {}): Promise<ServedInstallation> {
    const providers = await Providers.start({ fcm: { project: 'fake-name' } })
    const { authority } = providers
    const names = ['localhost', '127.0.0.1']
    const tls = authority.issue({ commonName: 'localhost', names })
    const apnsDev = await startApnsSandbox({ tls, clientCa: authority.ca })
    providers.putCertificate('dev')
    const own = authority.issue({ commonName: 'localhost', names })
    const port = await freePort()
    const daemon = await startDaemon(
      {
        push: { wpool: { workers: 1 } },
        gateway: {
          listen: `127.0.0.1:${port}`,
          tls: {
            cert_file: providers.put('served.pem', own.cert),
            key_file: providers.put('served.key', own.key),
          },
          fcm: [{ ...providers.fcmTable, mode: 'prod' }],
          apns: [
            { ...providers.apnsTable, default_topic: 'com.example.default' },
            { ...providers.certificateTable('dev'), mode: 'dev', endpoint: apnsDev.url, default_topic: '' },
          ],
          ...gateway,
        },
      },
      'alive',
    )
    const installation = new ServedInstallation(daemon, providers, apnsDev, `https://localhost:${port}`)
    const client = installation.http1()
    await until('all pools work', async () => {
      const { body } = await client.ask({ method: 'GET', path: '/healthcheck' })
      return (JSON.parse(body) as { status: string }).status === 'pass'
    })
    await client.close()
    return installation
  }

  answerWith(rule: AnswerRule): void {
    for (const provider of [this.providers.apns, this.apnsDev, this.providers.fcm]) provider.answerWith(rule)
  }

  http1(): ServedClient {
    return new Http1Client(this.url, this.ca)
  }

  http2(): ServedClient {
    return new Http2OneClient(this.url, this.ca)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]()
    await this.providers[Symbol.asyncDispose]()
    await this.apnsDev.close()
  }
}

export type Ask = Pick<RawRequest, 'method' | 'path'> & {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string | undefined
}

export interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** One connection, one request after the other. */
export interface ServedClient {
  ask(asked: Ask): Promise<Told>
  close(): Promise<void>
}

class Http1Client implements ServedClient {
  readonly #url: string
  readonly #agent: Agent

  constructor(url: string, ca: string) {
    this.#url = url
    this.#agent = new Agent({ ca, keepAlive: true, maxSockets: 1 })
  }

  ask({ method, path, headers = {}, body }: Ask): Promise<Told> {
    const { hostname, port } = new URL(this.#url)
    return answerTo(request({ hostname, port, path, method, headers, agent: this.#agent }), body)
  }

  async close(): Promise<void> {
    this.#agent.destroy()
  }
}

class Http2OneClient implements ServedClient {
  readonly #session: ClientHttp2Session

  constructor(url: string, ca: string) {
    this.#session = connect(url, { ca })
  }

  ask({ method, path, headers = {}, body }: Ask): Promise<Told> {
    const { promise, resolve, reject } = Promise.withResolvers<Told>()
    const stream = this.#session.request(
      { ':method': method, ':path': path, ...headers },
      { endStream: body === undefined },
    )
    let answer: Readonly<Record<string, unknown>> = {}
    let text = ''
    stream.setEncoding('utf8')
    stream.on('response', (received) => {
      answer = received
    })
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    stream.on('error', reject)
    stream.on('close', () => resolve({ status: Number(answer[':status']), headers: answer, body: text }))
    if (body !== undefined) stream.end(body)
    return promise
  }

  async close(): Promise<void> {
    this.#session.close()
    if (!this.#session.destroyed) await once(this.#session, 'close')
  }
}

const fcmError = 'type.googleapis.com/google.firebase.fcm.v1.FcmError'

/** The capture's providers were told by the device's name what to answer: `ap-STATUS-REASON`, `fc-STATUS-CODE-…`. */
export function capturedAnswer({ deviceId }: { readonly deviceId: string }): ProviderAnswer | undefined {
  const odd = oddAnswers[deviceId]
  if (odd !== undefined) return odd
  const [, provider, digits, word = '', rest] = /^(ap|fc)-(\d+)-([A-Za-z_]+)(?:-(.+))?$/.exec(deviceId) ?? []
  if (provider === undefined) return undefined
  const status = Number(digits)
  const headers = rest === 'ra' ? { 'retry-after': '7' } : {}
  if (provider === 'ap') return { status, headers, body: { reason: word } }
  const details = rest === undefined || rest === 'ra' ? [] : [{ '@type': fcmError, errorCode: rest }]
  return { status, headers, body: { error: { code: status, message: 'scripted', status: word, details } } }
}

const oddAnswers: Readonly<Record<string, ProviderAnswer>> = {
  'x-rst': { status: 'reset' },
  'x-goaway': { status: 'cut' },
  'x-close': { status: 'cut' },
  'x-slow3000': { status: 200, delayMs: 100 },
  'x-slow6000': { status: 'hang' },
  'x-hang': { status: 'hang' },
  'x-garbage': { status: 500, body: 'garbage' },
  'ap-empty500': { status: 500 },
  'ap-empty410': { status: 410 },
}
