/** The body of FCM's `messages:send`, checked as Google's API does: a field that is not known is a fault. */

/** What is wrong, and where. */
export interface Violation {
  readonly field: string
  readonly description: string
}

type Type =
  | 'string'
  | 'strings'
  | 'boolean'
  | 'integer'
  | 'duration'
  | 'any'
  /** A map of strings. */
  | 'data'
  | readonly string[]
  | Fields
interface Fields {
  readonly [name: string]: Type
}

const androidNotification: Fields = {
  title: 'string',
  body: 'string',
  icon: 'string',
  color: 'string',
  sound: 'string',
  tag: 'string',
  click_action: 'string',
  body_loc_key: 'string',
  body_loc_args: 'strings',
  title_loc_key: 'string',
  title_loc_args: 'strings',
  channel_id: 'string',
  ticker: 'string',
  sticky: 'boolean',
  event_time: 'string',
  local_only: 'boolean',
  notification_priority: 'string',
  default_sound: 'boolean',
  default_vibrate_timings: 'boolean',
  default_light_settings: 'boolean',
  vibrate_timings: 'strings',
  visibility: ['VISIBILITY_UNSPECIFIED', 'PRIVATE', 'PUBLIC', 'SECRET'],
  notification_count: 'integer',
  light_settings: 'any',
  image: 'string',
}

const message: Fields = {
  name: 'string',
  data: 'data',
  notification: { title: 'string', body: 'string', image: 'string' },
  android: {
    collapse_key: 'string',
    priority: ['NORMAL', 'HIGH'],
    ttl: 'duration',
    restricted_package_name: 'string',
    data: 'data',
    notification: androidNotification,
    fcm_options: { analytics_label: 'string' },
    direct_boot_ok: 'boolean',
  },
  webpush: 'any',
  apns: 'any',
  fcm_options: { analytics_label: 'string' },
  token: 'string',
  topic: 'string',
  condition: 'string',
}

const body: Fields = { message, validate_only: 'boolean' }

const maxTtlS = 2_419_200

/** The first fault of a body; undefined when it is good. */
export function violationIn(value: unknown): Violation | undefined {
  const fault = check(value, body, '')
  if (fault !== undefined) return fault
  const { message: sent } = value as { message?: Record<string, unknown> }
  if (sent === undefined) return { field: 'message', description: 'Message is not set.' }
  const targets = ['token', 'topic', 'condition'].filter((name) => sent[name] !== undefined)
  if (targets.length !== 1 || sent[targets[0] ?? ''] === '') {
    return { field: 'message', description: 'Exactly one of token, topic or condition is required' }
  }
  return undefined
}

function check(value: unknown, type: Type, field: string): Violation | undefined {
  const wrong = (description: string): Violation => ({ field, description })
  switch (type) {
    case 'any':
      return undefined
    case 'string':
    case 'boolean':
      return typeof value === type ? undefined : wrong(`Expected a ${type}`)
    case 'integer':
      return Number.isInteger(value) ? undefined : wrong('Expected an integer')
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
        ? undefined
        : wrong('Expected strings')
    case 'duration':
      return isDuration(value) ? undefined : wrong('Illegal duration format')
    case 'data':
      return checkData(value, field)
  }
  if (isEnum(type))
    return typeof value === 'string' && type.includes(value) ? undefined : wrong(`Invalid value`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('Expected an object')
  for (const [name, item] of Object.entries(value)) {
    const itemType = Object.hasOwn(type, name) ? type[name] : undefined
    const path = field === '' ? name : `${field}.${name}`
    if (itemType === undefined)
      return { field: path, description: `Unknown name "${name}": Cannot find field.` }
    const fault = check(item, itemType, path)
    if (fault !== undefined) return fault
  }
  return undefined
}

function isEnum(type: readonly string[] | Fields): type is readonly string[] {
  return Array.isArray(type)
}

function isDuration(value: unknown): boolean {
  const seconds = typeof value === 'string' ? /^(\d{1,12})(?:\.\d{1,9})?s$/.exec(value)?.[1] : undefined
  return seconds !== undefined && Number(seconds) <= maxTtlS
}

function checkData(value: unknown, field: string): Violation | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { field, description: 'Expected a map of strings' }
  }
  for (const [name, item] of Object.entries(value)) {
    if (typeof item !== 'string') return { field: `${field}[0].value`, description: 'Expected a string' }
    if (/^(?:from|message_type|google.*|gcm.*)$/.test(name)) {
      return { field, description: `Invalid data payload key: ${name}` }
    }
  }
  return undefined
}
