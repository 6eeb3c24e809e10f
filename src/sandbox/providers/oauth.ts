/** Google's token endpoint (RFC 7523): a signed assertion for an access token. HTTPS, HTTP/1.1. */
import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { Conditions } from '../conditions.ts'
import type { IssuedCertificate } from './authority.ts'
import { isSignedBy, readToken } from './json-web-token.ts'

/** As the Firebase console gives it out. */
export interface ServiceAccount {
  readonly type: 'service_account'
  readonly project_id: string
  readonly private_key_id: string
  readonly private_key: string
  readonly client_email: string
  readonly client_id: string
  readonly token_uri: string
}

/** What happens instead of a check. */
export interface OAuthAnswer {
  readonly status: number | 'hang' | 'cut'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>> | undefined
}

const scope = 'https://www.googleapis.com/auth/firebase.messaging'
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const maxLifetimeS = 3600
/** Clocks differ by that much at most. */
const skewS = 60

export class OAuthServer {
  /** Assertions that came, valid or not. */
  requests = 0
  /** Set: given to whoever asks, without a look at the assertion. */
  answer: OAuthAnswer | undefined
  /** Of tokens to come. */
  expiresInS = 3599
  account: ServiceAccount | undefined
  readonly #project: string
  readonly #server: Server
  readonly #nowMs: () => number
  readonly #conditions = new Conditions()
  /** Tokens given out, and when they expire. */
  readonly #tokens = new Map<string, number>()
  #waiting: (() => void)[] = []
  #holding = false
  #given = 0
  #publicKey: KeyObject | undefined

  constructor(project: string, tls: IssuedCertificate, nowMs: () => number) {
    this.#project = project
    this.#nowMs = nowMs
    this.#server = createServer({ ...tls }, (request, response) => this.#read(request, response))
  }

  async listen(host: string, port: number): Promise<ServiceAccount> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject).listen(port, host, resolve)
    await promise
    this.#server.off('error', reject)
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
    this.#publicKey = createPublicKey(privateKey)
    const at = (this.#server.address() as AddressInfo).port
    this.account = {
      type: 'service_account',
      project_id: this.#project,
      private_key_id: 'sandbox-key',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      client_email: `pushd@${this.#project}.iam.gserviceaccount.com`,
      client_id: '100000000000000000000',
      token_uri: `https://${host === '127.0.0.1' ? 'localhost' : host}:${at}/token`,
    }
    return this.account
  }

  /** An `Authorization` header with a token of ours that has not expired. */
  knows(authorization: string | undefined): boolean {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
    return (this.#tokens.get(token) ?? 0) > this.#nowMs()
  }

  /** All tokens given out are worth nothing from now on. */
  revoke(): void {
    this.#tokens.clear()
  }

  /** From now on requests wait for `release`. */
  hold(): void {
    this.#holding = true
  }

  release(): void {
    this.#holding = false
    for (const goOn of this.#waiting.splice(0)) goOn()
  }

  /** Settled once so many requests have come. */
  asked(count: number, timeoutMs = 10_000): Promise<true> {
    return this.#conditions.until(
      () => (this.requests >= count ? true : undefined),
      timeoutMs,
      () => `${this.requests} of ${count} requests for a token came`,
    )
  }

  async close(): Promise<void> {
    this.#conditions.giveUp(new Error('the sandbox was closed'))
    if (!this.#server.listening) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    this.#server.closeAllConnections()
    await promise
  }

  #read(request: IncomingMessage, response: ServerResponse): void {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      this.requests++
      const respond = () => this.#respond(request, text, response)
      if (this.#holding) this.#waiting.push(respond)
      else respond()
      this.#conditions.changed()
    })
  }

  #respond(request: IncomingMessage, text: string, response: ServerResponse): void {
    const { status, body, headers } = this.answer ?? this.#grant(request, text)
    if (status === 'hang') return
    if (status === 'cut') {
      response.socket?.destroy()
      return
    }
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  #grant({ method, url, headers }: IncomingMessage, text: string): OAuthAnswer {
    if (url !== '/token') return { status: 404, body: 'Not Found' }
    if (method !== 'POST') return { status: 405, body: 'Method Not Allowed' }
    if (headers['content-type']?.split(';')[0] !== 'application/x-www-form-urlencoded') {
      return fault('invalid_request', 'Content-Type must be application/x-www-form-urlencoded')
    }
    const form = new URLSearchParams(text)
    if (form.get('grant_type') !== grantType) return fault('unsupported_grant_type', 'Invalid grant_type')
    const wrong = this.#assertionFault(form.get('assertion') ?? '')
    if (wrong !== undefined) return fault('invalid_grant', wrong)
    const token = `ya29.sandbox-${++this.#given}`
    this.#tokens.set(token, this.#nowMs() + this.expiresInS * 1000)
    return { status: 200, body: { access_token: token, expires_in: this.expiresInS, token_type: 'Bearer' } }
  }

  /** RFC 7523 §3, and what Google asks besides. */
  #assertionFault(assertion: string): string | undefined {
    const { account } = this
    const token = readToken(assertion)
    if (account === undefined || this.#publicKey === undefined || token === undefined) return 'Bad Request'
    const { iss, aud, scope: scopes, iat, exp } = token.claims
    const nowS = this.#nowMs() / 1000
    if (iss !== account.client_email) return 'Invalid grant: account not found'
    if (!isSignedBy(token, 'RS256', this.#publicKey)) return 'Invalid JWT Signature.'
    if (aud !== account.token_uri) return 'Invalid JWT: Failed audience check.'
    if (typeof scopes !== 'string' || !scopes.split(' ').includes(scope)) return 'Invalid OAuth scope'
    if (typeof iat !== 'number' || typeof exp !== 'number') return 'Invalid JWT: iat and exp are required'
    const isReasonable = iat <= nowS + skewS && exp > nowS - skewS && exp - iat <= maxLifetimeS && exp > iat
    return isReasonable
      ? undefined
      : 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.'
  }
}

function fault(error: string, description: string): OAuthAnswer {
  return { status: 400, body: { error, error_description: description } }
}
