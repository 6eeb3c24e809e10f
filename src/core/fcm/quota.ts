/** Tells from an FCM answer of 429 which quota is used up. Pure. */
import { isJsonObject, type JsonObject } from '../json.ts'
import type { Quota } from '../outcome.ts'

/**
 * Looks at the details first, then at the message: the violations of a `google.rpc.QuotaFailure`, which FCM's
 * documentation promises; a `google.rpc.ErrorInfo`, which Google's front end sends for the project; and the message of
 * either. Undefined: the answer does not say which quota.
 */
export function quotaOf(details: readonly JsonObject[], message: string): Quota | undefined {
  return quotaInViolations(details) ?? quotaInErrorInfo(details) ?? quotaIn(message)
}

/** The project's quota wins if several are used up, because it concerns all devices. */
function quotaInViolations(details: readonly JsonObject[]): Quota | undefined {
  const quotas = details.flatMap(({ violations }) =>
    Array.isArray(violations)
      ? violations
          .filter(isJsonObject)
          .map(({ subject, description }) => quotaIn(subject) ?? quotaIn(description))
      : [],
  )
  return quotas.includes('project') ? 'project' : quotas.find((quota) => quota !== undefined)
}

/** `"quota_limit": "SendsPerMinutePerProject", "quota_unit": "1/min/{project}"` */
function quotaInErrorInfo(details: readonly JsonObject[]): Quota | undefined {
  for (const { metadata } of details) {
    if (!isJsonObject(metadata)) continue
    const quota = quotaIn(metadata.quota_unit) ?? quotaIn(metadata.quota_limit)
    if (quota !== undefined) return quota
  }
  return undefined
}

/**
 * "Device message rate exceeded", "Topic quota exceeded.", "Quota exceeded for quota metric 'Send requests' and limit
 * 'Send requests per minute' of service 'fcm.googleapis.com' for consumer 'project_number:1'": every quota is
 * one of a project, so the narrower word counts.
 */
function quotaIn(text: unknown): Quota | undefined {
  if (typeof text !== 'string') return undefined
  const words = text.toLowerCase()
  if (/device|registration|token/.test(words)) return 'device'
  if (words.includes('topic')) return 'topic'
  return words.includes('project') ? 'project' : undefined
}
