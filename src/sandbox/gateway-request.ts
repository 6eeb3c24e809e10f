/**
 * An HTTP request to the gateway sandbox, judged as MongoosePush judges it before a provider is asked. Faults
 * of the original are kept: what it cannot route, parse or negotiate is answered with an empty 500.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { type ApiVersion, checkRequest, schemaError } from './gateway-schema.ts'

export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Undefined when it was too large. */
  readonly body: Uint8Array | undefined
}

export type Judgement =
  | {
      readonly kind: 'notification'
      readonly version: ApiVersion
      readonly deviceId: string
      readonly body: Record<string, unknown>
    }
  | { readonly kind: 'look'; readonly at: 'healthcheck' | 'metrics' }
  | { readonly kind: 'refused'; readonly status: number; readonly body: string }

export const maxBodyBytes = 8_000_000

const serverError: Judgement = { kind: 'refused', status: 500, body: '' }
const notificationRoute = /^(v[123])\/notification\/([^/?]+)(?:\?|$)/
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** What a request is; `prefix` is where the API starts, such as `/`. */
export function judgeRequest({ method, path, headers, body }: RawRequest, prefix: string): Judgement {
  if (body === undefined || !acceptsJson(headers.accept)) return serverError
  if (method === 'GET' || method === 'HEAD') {
    if (path === '/healthcheck') return { kind: 'look', at: 'healthcheck' }
    return path === '/metrics' ? { kind: 'look', at: 'metrics' } : serverError
  }
  const contentType = headers['content-type']
  const target = method === 'POST' ? parsePath(path, prefix) : undefined
  const json = isJsonType(contentType) ? parseJson(body) : {}
  if (target === undefined || json === undefined) return serverError

  const headerFault =
    contentType === undefined
      ? 'Missing header'
      : isJsonType(contentType)
        ? undefined
        : 'Invalid value for header'
  const errors =
    headerFault !== undefined
      ? [schemaError(`${headerFault}: content-type`, '/')]
      : checkRequest(target.version, json)
  if (errors.length > 0) return { kind: 'refused', status: 422, body: JSON.stringify({ errors }) }
  return { kind: 'notification', ...target, body: json as Record<string, unknown> }
}

function acceptsJson(accept: string | undefined): boolean {
  return accept === undefined || accept === '' || /\*\/\*|application\/(\*|json)/i.test(accept)
}

function isJsonType(contentType: string | undefined): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'
}

/** Undefined when it is no JSON; an empty body counts as an empty object. */
function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return {}
  try {
    return JSON.parse(utf8.decode(body))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

function parsePath(path: string, prefix: string): { version: ApiVersion; deviceId: string } | undefined {
  const match = path.startsWith(prefix) ? notificationRoute.exec(path.slice(prefix.length)) : null
  if (match === null) return undefined
  try {
    return { version: match[1] as ApiVersion, deviceId: decodeURIComponent(match[2] as string) }
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
