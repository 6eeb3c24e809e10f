/** What FCM's v1 API says: its error codes in Google's error format. */
import type { ProviderAnswer } from './provider-request.ts'

const fcmError = 'type.googleapis.com/google.firebase.fcm.v1.FcmError'
const quotaFailure = 'type.googleapis.com/google.rpc.QuotaFailure'
const errorInfo = 'type.googleapis.com/google.rpc.ErrorInfo'
const badRequest = 'type.googleapis.com/google.rpc.BadRequest'
const entityNotFound = 'Requested entity was not found.'
const invalidToken = 'The registration token is not a valid FCM registration token'
const noCredentials =
  'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid ' +
  'authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.'

/** `errorCode`: FCM's own; undefined: the error is not FCM's but of what stands before it. */
export function fcmFault(
  code: number,
  status: string,
  errorCode: string | undefined,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): ProviderAnswer {
  const details = errorCode === undefined ? {} : { details: [{ '@type': fcmError, errorCode }] }
  return { status: code, body: { error: { code, message, status, ...details } }, headers: json(headers) }
}

/** A request that does not fit the schema. */
export function fcmViolation(field: string, description: string): ProviderAnswer {
  const message = `Invalid value at '${field}': ${description}`
  const details = [
    { '@type': fcmError, errorCode: 'INVALID_ARGUMENT' },
    { '@type': badRequest, fieldViolations: [{ field, description }] },
  ]
  return {
    status: 400,
    body: { error: { code: 400, message, status: 'INVALID_ARGUMENT', details } },
    headers: json({}),
  }
}

/** An exceeded quota, as FCM reports it. */
function fcmQuota(subject: string, description: string): ProviderAnswer {
  const details = [
    { '@type': fcmError, errorCode: 'QUOTA_EXCEEDED' },
    { '@type': quotaFailure, violations: [{ subject, description }] },
  ]
  return {
    status: 429,
    body: { error: { code: 429, message: description, status: 'RESOURCE_EXHAUSTED', details } },
    headers: json({}),
  }
}

/** The project's exceeded quota, as Google's front end reports it: without an FCM code. */
const projectQuota: ProviderAnswer = {
  status: 429,
  body: {
    error: {
      code: 429,
      message:
        "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' of service " +
        "'fcm.googleapis.com' for consumer 'project_number:123456789012'.",
      status: 'RESOURCE_EXHAUSTED',
      details: [
        {
          '@type': errorInfo,
          reason: 'RATE_LIMIT_EXCEEDED',
          domain: 'googleapis.com',
          metadata: {
            quota_limit_value: '600000',
            consumer: 'projects/123456789012',
            quota_metric: 'fcm.googleapis.com/send_requests',
            quota_unit: '1/min/{project}',
            service: 'fcm.googleapis.com',
            quota_location: 'global',
            quota_limit: 'SendsPerMinutePerProject',
          },
        },
        {
          '@type': 'type.googleapis.com/google.rpc.Help',
          links: [
            {
              description: 'Request a higher quota limit.',
              url: 'https://cloud.google.com/docs/quotas/help/request_increase',
            },
          ],
        },
      ],
    },
  },
  headers: json({}),
}

export function fcmDelivered(project: string, messageId: string): ProviderAnswer {
  return { status: 200, body: { name: `projects/${project}/messages/${messageId}` }, headers: json({}) }
}

export const unauthenticated = fcmFault(401, 'UNAUTHENTICATED', undefined, noCredentials)
export const notFound = fcmFault(404, 'NOT_FOUND', undefined, entityNotFound)
export const permissionDenied = fcmFault(
  403,
  'PERMISSION_DENIED',
  undefined,
  "Permission 'cloudmessaging.messages.create' denied on resource",
)

/** By the first word of a registration token: `UNREGISTERED-1`. */
export const fcmWords: Readonly<Record<string, ProviderAnswer>> = {
  UNREGISTERED: fcmFault(404, 'NOT_FOUND', 'UNREGISTERED', entityNotFound),
  INVALID_TOKEN: fcmFault(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', invalidToken),
  INVALID_ARGUMENT: fcmViolation('message.android.ttl', 'Illegal duration format'),
  SENDER_ID_MISMATCH: fcmFault(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH', 'SenderId mismatch'),
  THIRD_PARTY_AUTH_ERROR: fcmFault(
    401,
    'UNAUTHENTICATED',
    'THIRD_PARTY_AUTH_ERROR',
    'Auth error from APNS or Web Push Service',
  ),
  QUOTA_EXCEEDED: fcmFault(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED', 'Quota exceeded'),
  DEVICE_QUOTA: fcmQuota('device', 'Device message rate exceeded.'),
  TOPIC_QUOTA: fcmQuota('topic', 'Topic quota exceeded.'),
  PROJECT_QUOTA: projectQuota,
  /** The answer does not say which quota, but for how long. */
  THROTTLED: fcmFault(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED', 'Quota exceeded', { 'retry-after': '1' }),
  UNAVAILABLE: fcmFault(503, 'UNAVAILABLE', 'UNAVAILABLE', 'The service is currently unavailable.'),
  INTERNAL: fcmFault(500, 'INTERNAL', 'INTERNAL', 'Internal error encountered.'),
  UNSPECIFIED_ERROR: fcmFault(520, 'UNSPECIFIED_ERROR', 'UNSPECIFIED_ERROR', 'Unknown error'),
  UNAUTHENTICATED: unauthenticated,
  PERMISSION_DENIED: permissionDenied,
  NOT_FOUND: notFound,
}

function json(headers: Readonly<Record<string, string>>): Record<string, string> {
  return { 'content-type': 'application/json; charset=UTF-8', ...headers }
}
