/**
 * A stand-in for FCM's v1 API: HTTP/2 over TLS, and the token endpoint that goes with it; as strict about requests as
 * Google's. Nothing is pushed; what it answers is told by the registration token or by a rule of the caller's.
 */
import { localhostCertificate } from './authority.ts'
import {
  fcmDelivered,
  fcmFault,
  fcmViolation,
  fcmWords,
  notFound,
  permissionDenied,
  unauthenticated,
} from './fcm-answers.ts'
import { violationIn } from './fcm-schema.ts'
import { OAuthServer, type ServiceAccount } from './oauth.ts'
import type { Judgement, ProviderAnswer, RawProviderRequest } from './provider-request.ts'
import type { ProviderSandbox, ProviderSandboxOptions } from './provider-sandbox.ts'
import { type Provider, ProviderServer } from './provider-server.ts'

export interface FcmSandboxOptions extends ProviderSandboxOptions {
  /** Default `sandbox-project`. */
  readonly project?: string | undefined
  /** Of the token endpoint; default 0: any free port. */
  readonly oauthPort?: number | undefined
  /** Milliseconds since the epoch, by which tokens age; default: the clock. */
  readonly nowMs?: (() => number) | undefined
}

export interface FcmSandbox extends ProviderSandbox {
  readonly project: string
  readonly oauth: OAuthServer
  /** Whose assertions the token endpoint takes. */
  readonly account: ServiceAccount
}

interface FcmMessage {
  readonly token?: string
  readonly notification?: Texts
  readonly data?: Texts
  readonly android?: { readonly notification?: Texts; readonly data?: Texts }
}

type Texts = Readonly<Record<string, unknown>>

const maxPayloadBytes = 4096
const tooBig = fcmFault(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'Android message is too big')

export async function startFcmSandbox(options: FcmSandboxOptions = {}): Promise<FcmSandbox> {
  const { project = 'sandbox-project', host = '127.0.0.1', nowMs = Date.now } = options
  const tls = options.tls ?? localhostCertificate()
  const oauth = new OAuthServer(project, tls, nowMs)
  const account = await oauth.listen(host, options.oauthPort ?? 0)
  const sandbox = new FcmServer(project, oauth, account, { ...options, tls })
  await sandbox.listen()
  return sandbox
}

class FcmServer extends ProviderServer implements FcmSandbox {
  readonly project: string
  readonly oauth: OAuthServer
  readonly account: ServiceAccount

  constructor(project: string, oauth: OAuthServer, account: ServiceAccount, options: FcmSandboxOptions) {
    super(new Fcm(project, oauth), options)
    this.project = project
    this.oauth = oauth
    this.account = account
  }

  override async close(): Promise<void> {
    await this.oauth.close()
    await super.close()
  }
}

class Fcm implements Provider {
  readonly words = fcmWords
  readonly firstMaxStreams = undefined
  readonly #project: string
  readonly #oauth: OAuthServer
  #messages = 0

  constructor(project: string, oauth: OAuthServer) {
    this.#project = project
    this.#oauth = oauth
  }

  judge({ method, path, headers, body }: RawProviderRequest): Judgement {
    const project = /^\/v1\/projects\/([\w-]+)\/messages:send$/.exec(path)?.[1]
    if (method !== 'POST' || project === undefined) return refused(notFound)
    if (!this.#oauth.knows(headers.authorization)) return refused(unauthenticated)
    if (project !== this.#project) return refused(permissionDenied)
    const json = readJson(body)
    if (json === undefined) {
      return refused(fcmFault(400, 'INVALID_ARGUMENT', undefined, 'Invalid JSON payload received.'))
    }
    const violation = violationIn(json)
    if (violation !== undefined) return refused(fcmViolation(violation.field, violation.description))
    const sent = json as { readonly message: FcmMessage }
    if (payloadBytes(sent.message) > maxPayloadBytes) return refused(tooBig)
    return { kind: 'push', deviceId: sent.message.token ?? '', body: { ...sent } }
  }

  delivered(): ProviderAnswer {
    return fcmDelivered(this.#project, `0:${++this.#messages}`)
  }

  headers(): Record<string, string> {
    return { server: 'sandbox' }
  }
}

function refused(answer: ProviderAnswer): Judgement {
  return { kind: 'refused', answer }
}

/** Names and values of all that is for the app or its user. */
function payloadBytes({ notification, data, android }: FcmMessage): number {
  return [notification, data, android?.notification, android?.data]
    .flatMap((texts) => Object.entries(texts ?? {}))
    .reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(String(value)), 0)
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}
