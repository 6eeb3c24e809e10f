/** A request to APNs, judged as Apple's documentation says that it is. */
import type { ApnsReason } from './apns-answers.ts'
import type { RawProviderRequest } from './provider-request.ts'

export interface ApnsPush {
  readonly deviceId: string
  readonly body: Record<string, unknown>
  readonly topic: string
}

const pushTypes = [
  'alert',
  'background',
  'voip',
  'complication',
  'fileprovider',
  'mdm',
  'liveactivity',
  'location',
  'pushtotalk',
  'controls',
  'widgets',
]
const maxBodyBytes = 4096
const maxVoipBytes = 5120
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Real ones are hex; a sandbox takes names. */
const deviceToken = /^[\w.:~-]{1,200}$/
const topicSyntax = /^[A-Za-z0-9.-]{1,255}$/

/** `defaultTopic`: the certificate's, where the connection has one. `topics`: those allowed; undefined: all. */
export function readApnsRequest(
  request: RawProviderRequest,
  defaultTopic: string | undefined,
  topics: readonly string[] | undefined,
): ApnsPush | ApnsReason {
  const { method, path, headers } = request
  if (method !== 'POST') return 'MethodNotAllowed'
  const segment = /^\/3\/device\/([^/?#]*)$/.exec(path)?.[1]
  if (segment === undefined) return 'BadPath'
  if (segment === '') return 'MissingDeviceToken'
  const deviceId = decode(segment)
  if (deviceId === undefined || !deviceToken.test(deviceId)) return 'BadDeviceToken'
  if (hasDuplicates(request.rawHeaders)) return 'DuplicateHeaders'

  const topic = single(headers['apns-topic']) ?? defaultTopic
  if (topic === undefined || topic === '') return 'MissingTopic'
  if (!topicSyntax.test(topic)) return 'BadTopic'
  if (topics !== undefined && !topics.includes(topic)) return 'TopicDisallowed'
  const fault = headerFault(headers, topic)
  if (fault !== undefined) return fault

  const { body } = request
  if (body.length === 0) return 'PayloadEmpty'
  if (body.length > (headers['apns-push-type'] === 'voip' ? maxVoipBytes : maxBodyBytes))
    return 'PayloadTooLarge'
  const payload = readPayload(body)
  return payload === undefined ? 'PayloadEmpty' : { deviceId, body: payload, topic }
}

function headerFault(headers: RawProviderRequest['headers'], topic: string): ApnsReason | undefined {
  const pushType = single(headers['apns-push-type'])
  if (pushType === undefined || !pushTypes.includes(pushType)) return 'InvalidPushType'
  if (pushType === 'voip' && !topic.endsWith('.voip')) return 'BadTopic'
  const priority = single(headers['apns-priority'])
  if (priority !== undefined && !['1', '5', '10'].includes(priority)) return 'BadPriority'
  if (pushType === 'background' && priority === '10') return 'BadPriority'
  const expiration = single(headers['apns-expiration'])
  if (expiration !== undefined && !/^\d{1,10}$/.test(expiration)) return 'BadExpirationDate'
  const id = single(headers['apns-id'])
  if (id !== undefined && !uuid.test(id)) return 'BadMessageId'
  const collapseId = single(headers['apns-collapse-id'])
  if (collapseId !== undefined && Buffer.byteLength(collapseId) > 64) return 'BadCollapseId'
  return undefined
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function hasDuplicates(rawHeaders: readonly string[]): boolean {
  const names = rawHeaders.filter((_, index) => index % 2 === 0)
  return new Set(names).size < names.length
}

function readPayload(body: Buffer): Record<string, unknown> | undefined {
  try {
    const payload: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    if (typeof payload !== 'object' || payload === null || !('aps' in payload)) return undefined
    return typeof payload.aps === 'object' && payload.aps !== null ? { ...payload } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}
