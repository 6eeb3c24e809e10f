/** Whose quota an FCM answer of 429 is about, from all that it says of that. Pure. */
import { isJsonObject, type JsonObject } from '../json.ts'
import type { Quota } from '../outcome.ts'

/**
 * The details decide, then the message: the violations of a `google.rpc.QuotaFailure`, which FCM's documentation
 * promises; a `google.rpc.ErrorInfo`, which Google's front end sends for the project; and the message of either.
 * Undefined: it does not say.
 */
export function quotaOf(details: readonly JsonObject[], message: string): Quota | undefined {
  return quotaInViolations(details) ?? quotaInErrorInfo(details) ?? quotaIn(message)
}

/** Where more than one is used up, the project's is that of all. */
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
 * 'Send requests per minute' of service 'fcm.googleapis.com' for consumer 'project_number:1'": each quota is some
 * project's, so the narrower word counts.
 */
function quotaIn(text: unknown): Quota | undefined {
  if (typeof text !== 'string') return undefined
  const words = text.toLowerCase()
  if (/device|registration|token/.test(words)) return 'device'
  if (words.includes('topic')) return 'topic'
  return words.includes('project') ? 'project' : undefined
}
