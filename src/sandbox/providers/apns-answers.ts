/** What APNs says: reasons with their status, as Apple's documentation lists them. */
import type { ProviderAnswer } from './provider-request.ts'

export const apnsStatuses = {
  BadCollapseId: 400,
  BadDeviceToken: 400,
  BadExpirationDate: 400,
  BadMessageId: 400,
  BadPriority: 400,
  BadTopic: 400,
  DeviceTokenNotForTopic: 400,
  DuplicateHeaders: 400,
  IdleTimeout: 400,
  InvalidPushType: 400,
  MissingDeviceToken: 400,
  MissingTopic: 400,
  PayloadEmpty: 400,
  TopicDisallowed: 400,
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  BadEnvironmentKeyIdInToken: 403,
  ExpiredProviderToken: 403,
  Forbidden: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  ExpiredToken: 410,
  Unregistered: 410,
  PayloadTooLarge: 413,
  TooManyProviderTokenUpdates: 429,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
} as const

export type ApnsReason = keyof typeof apnsStatuses

/** `timestamp` (of a 410): since when the token has been gone, in milliseconds since the epoch. */
export function apnsAnswer(reason: ApnsReason, timestamp = Date.now()): ProviderAnswer {
  const status = apnsStatuses[reason]
  return { status, body: status === 410 ? { reason, timestamp } : { reason } }
}

/** `Unregistered-1` is answered Unregistered, and so on. */
export function apnsWords(): Record<string, ProviderAnswer> {
  const reasons = Object.keys(apnsStatuses) as ApnsReason[]
  return Object.fromEntries(reasons.map((reason) => [reason, apnsAnswer(reason)]))
}
