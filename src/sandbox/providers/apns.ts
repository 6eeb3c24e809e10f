/**
 * A stand-in for APNs: HTTP/2 over TLS, provider tokens or certificates, as strict about requests as Apple's
 * documentation. Nothing is pushed; what it answers is told by the device's name or by a rule of the caller's.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { type ApnsReason, apnsAnswer, apnsWords } from './apns-answers.ts'
import { type ApnsKey, ApnsProviderTokens } from './apns-provider-token.ts'
import { readApnsRequest } from './apns-request.ts'
import type { Judgement, ProviderAnswer, RawProviderRequest } from './provider-request.ts'
import type { ProviderSandbox, ProviderSandboxOptions } from './provider-sandbox.ts'
import { type Provider, ProviderServer } from './provider-server.ts'

export interface ApnsSandboxOptions extends ProviderSandboxOptions {
  /** Whose tokens are taken; default: a key of its own (`keys`). */
  readonly keys?: readonly ApnsKey[] | undefined
  /** Topics that may be pushed to; default: all. */
  readonly topics?: readonly string[] | undefined
  /** Milliseconds since the epoch, by which tokens age; default: the clock. */
  readonly nowMs?: (() => number) | undefined
}

export interface ApnsSandbox extends ProviderSandbox {
  readonly keys: readonly ApnsKey[]
}

export async function startApnsSandbox(options: ApnsSandboxOptions = {}): Promise<ApnsSandbox> {
  const keys = options.keys ?? [newApnsKey('SANDBOXKEY', 'SANDBOXTEA')]
  const sandbox = Object.assign(new ProviderServer(new Apns(keys, options), options), { keys })
  await sandbox.listen()
  return sandbox
}

/** A key as Apple gives them out: PEM, PKCS #8. */
export function newApnsKey(keyId: string, teamId: string): ApnsKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { keyId, teamId, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

class Apns implements Provider {
  readonly words = apnsWords()
  readonly firstMaxStreams = 1
  readonly #tokens: ApnsProviderTokens
  readonly #topics: readonly string[] | undefined
  /** By connection: the one team that it may speak for. */
  readonly #teams = new WeakMap<object, string>()

  constructor(keys: readonly ApnsKey[], options: ApnsSandboxOptions) {
    this.#tokens = new ApnsProviderTokens(keys, options.nowMs ?? Date.now)
    this.#topics = options.topics
  }

  judge(request: RawProviderRequest): Judgement {
    const topic = certificateTopic(request.connection.clientName)
    const stranger = topic === undefined ? this.#tokenFault(request) : undefined
    if (stranger !== undefined) return refused(stranger)
    const push = readApnsRequest(request, topic, this.#topics)
    return typeof push === 'string' ? refused(push) : { kind: 'push', ...push }
  }

  delivered(): ProviderAnswer {
    return { status: 200 }
  }

  headers({ headers }: RawProviderRequest): Record<string, string> {
    const id = headers['apns-id']
    return { 'apns-id': typeof id === 'string' ? id : randomUUID().toUpperCase() }
  }

  #tokenFault({ connection, headers }: RawProviderRequest): ApnsReason | undefined {
    const token = this.#tokens.check(headers.authorization)
    if (typeof token === 'string') return token
    const team = this.#teams.get(connection)
    if (team === undefined) this.#teams.set(connection, token.teamId)
    return team === undefined || team === token.teamId ? undefined : 'InvalidProviderToken'
  }
}

function refused(reason: ApnsReason): Judgement {
  return { kind: 'refused', answer: apnsAnswer(reason) }
}

/** `Apple Push Services: com.example.app` */
function certificateTopic(commonName: string | undefined): string | undefined {
  return commonName === undefined ? undefined : (/: (.+)$/.exec(commonName)?.[1] ?? '')
}
