import type { KeyObject } from 'node:crypto'
import { getCACertificates } from 'node:tls'
import { Agent, type Dispatcher, request } from 'undici'
import {
  type AccessTokenAnswer,
  accessTokenRequest,
  fcmJwt,
  readAccessToken,
} from '../../core/fcm/access-token.ts'
import type { ServiceAccount } from '../../core/fcm/service-account.ts'
import { retryAfterMs } from '../../core/mongoosepush/answer.ts'
import { signJwt } from './json-web-token.ts'

/** For one answer of the token endpoint. */
const requestTimeoutMs = 10_000
/** More is no answer of a token endpoint. */
const maxAnswerBytes = 64 * 1024

/** Connections to token endpoints. `ca`: PEM of authorities trusted besides the system's. */
export function tokenAgent(ca: string | undefined): Agent {
  return new Agent({
    allowH2: false,
    headersTimeout: requestTimeoutMs,
    bodyTimeout: requestTimeoutMs,
    connect: {
      timeout: requestTimeoutMs,
      ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    },
  })
}

/** Asks once for an access token of an FCM account; never rejects. `nowMs`: since the epoch. */
export async function askAccessToken(
  account: ServiceAccount,
  privateKey: KeyObject,
  agent: Agent,
  nowMs: number,
  signal: AbortSignal,
): Promise<AccessTokenAnswer> {
  const jwt = signJwt(fcmJwt(account, Math.floor(nowMs / 1000)), privateKey)
  try {
    const { statusCode, headers, body } = await request(account.tokenUri, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: accessTokenRequest(jwt),
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    })
    const retryAfter = headers['retry-after']
    return readAccessToken({
      status: statusCode,
      retryAfterMs: typeof retryAfter === 'string' ? retryAfterMs(retryAfter, nowMs) : undefined,
      body: await limitedText(body),
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error)
    return { kind: 'refused', reason, again: true, retryAfterMs: undefined }
  }
}

async function limitedText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
