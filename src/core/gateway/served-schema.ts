/**
 * What requests to MongoosePush's API look like in its three versions, checked and cast as MongoosePush does it: the same
 * messages, pointers and order of errors in a 422 answer. Its caster takes integers and truth values that are written
 * as texts, which MongooseIM sends.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import type { ApiVersion } from '../mongoosepush/request.ts'

/** One entry of a 422 answer's `errors`. */
export interface SchemaError {
  readonly message: string
  readonly source: { readonly pointer: string }
  readonly title: 'Invalid value'
}

export function schemaError(message: string, pointer: string): SchemaError {
  return { message, source: { pointer }, title: 'Invalid value' }
}

export type Schema = Scalar | ListOf | Fields | FreeObject
type Scalar =
  | { readonly type: 'string'; readonly words?: readonly string[] }
  /** Of 32 bits, all of them. */
  | { readonly type: 'integer' }
  | { readonly type: 'boolean' }
interface ListOf {
  readonly type: 'array'
  readonly items: Schema
}
export interface Fields {
  readonly type: 'object'
  readonly fields: Readonly<Record<string, Schema>>
  readonly required: readonly string[]
}
/** An object that may hold anything. */
interface FreeObject {
  readonly type: 'object'
  readonly fields?: undefined
}

const string = { type: 'string' } as const
const integer = { type: 'integer' } as const
const service = { type: 'string', words: ['fcm', 'apns'] } as const
const mode = { type: 'string', words: ['prod', 'dev'] } as const
const data = { type: 'object' } as const

const alert: Fields = {
  type: 'object',
  fields: { badge: integer, body: string, click_action: string, sound: string, tag: string, title: string },
  required: ['body', 'title'],
}

const common = {
  mode,
  mutable_content: { type: 'boolean' },
  priority: { type: 'string', words: ['normal', 'high'] },
  service,
  tags: { type: 'array', items: string },
  time_to_live: integer,
  topic: string,
} as const satisfies Record<string, Schema>

const alertRequest: Fields = { type: 'object', fields: { ...common, alert }, required: ['service', 'alert'] }
const silentRequest: Fields = { type: 'object', fields: { ...common, data }, required: ['service', 'data'] }
const mixedRequest: Fields = {
  type: 'object',
  fields: { ...common, alert, data },
  required: ['service', 'alert', 'data'],
}
const flatRequest: Fields = {
  type: 'object',
  fields: {
    badge: integer,
    body: string,
    click_action: string,
    data,
    mode,
    service,
    tag: string,
    title: string,
    topic: string,
  },
  required: ['service', 'body', 'title'],
}

/** By the names that MongoosePush's description of its API (OpenAPI) has for them. */
export const namedSchemas = {
  'Request.SendNotification.Deep.AlertNotification': alertRequest,
  'Request.SendNotification.Deep.Common.Alert': alert,
  'Request.SendNotification.Deep.Common.Data': data,
  'Request.SendNotification.Deep.MixedNotification': mixedRequest,
  'Request.SendNotification.Deep.SilentNotification': silentRequest,
  'Request.SendNotification.FlatNotification': flatRequest,
} as const satisfies Record<string, Schema>

/** The parts of a request; which of them there are, its version and kind decide. */
export interface CastRequest {
  readonly service: 'apns' | 'fcm'
  readonly mode?: 'prod' | 'dev'
  readonly priority?: 'normal' | 'high'
  readonly mutable_content?: boolean
  readonly time_to_live?: number
  readonly topic?: string
  readonly tags?: readonly string[]
  readonly alert?: CastAlert
  readonly data?: JsonObject
}

export interface CastAlert {
  readonly title: string
  readonly body: string
  readonly badge?: number
  readonly tag?: string
  readonly click_action?: string
  readonly sound?: string
}

/** v1 has the alert's fields among its own. */
export type CastFlatRequest = CastRequest & CastAlert

/** The request in a body (parsed JSON), its values cast; or what is wrong with it. */
export function castRequest(version: 'v1', body: JsonValue): CastFlatRequest | SchemaError[]
export function castRequest(version: ApiVersion, body: JsonValue): CastRequest | SchemaError[]
export function castRequest(version: ApiVersion, body: JsonValue): CastRequest | SchemaError[] {
  const errors: SchemaError[] = []
  const request = cast(schemaFor(version, body), body, '', errors)
  // The schemas above say what the interfaces say.
  return errors.length > 0 ? errors : (request as unknown as CastRequest)
}

/** v2 and v3 have three kinds of requests: which one is meant is told by the fields that are there. */
function schemaFor(version: ApiVersion, body: JsonValue): Fields {
  if (version === 'v1') return flatRequest
  if (!isJsonObject(body) || !Object.hasOwn(body, 'data')) return alertRequest
  return Object.hasOwn(body, 'alert') ? mixedRequest : silentRequest
}

function cast(schema: Schema, value: JsonValue, pointer: string, errors: SchemaError[]): JsonValue {
  if (value === null) return fault(`null value where ${schema.type} expected`, pointer, errors)
  switch (schema.type) {
    case 'object':
      if (!isJsonObject(value)) break
      return schema.fields === undefined ? value : castFields(schema, value, pointer, errors)
    case 'array':
      if (!Array.isArray(value)) break
      return value.map((item: JsonValue, i) => cast(schema.items, item, `${pointer}/${i}`, errors))
    case 'string':
      if (typeof value !== 'string') break
      return schema.words?.includes(value) === false
        ? fault('Invalid value for enum', pointer, errors)
        : value
    case 'boolean':
      if (typeof value === 'boolean') return value
      if (value === 'true' || value === 'false') return value === 'true'
      break
    case 'integer': {
      const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value
      if (typeof number !== 'number' || !Number.isInteger(number)) break
      return (number | 0) === number ? number | 0 : fault('Invalid format. Expected :int32', pointer, errors)
    }
  }
  return fault(`Invalid ${schema.type}. Got: ${typeName(value)}`, pointer, errors)
}

function fault(message: string, pointer: string, errors: SchemaError[]): null {
  errors.push(schemaError(message, pointer === '' ? '/' : pointer))
  return null
}

/** Unexpected fields (only the first is named) come before missing ones, and these before wrong ones. */
function castFields(schema: Fields, value: JsonObject, pointer: string, errors: SchemaError[]): JsonValue {
  const { fields, required } = schema
  const names = Object.keys(value).sort()
  const unexpected = names.find((name) => !Object.hasOwn(fields, name))
  if (unexpected !== undefined) {
    errors.push(schemaError(`Unexpected field: ${unexpected}`, `${pointer}/${unexpected}`))
    return null
  }
  const missing = required.filter((name) => !Object.hasOwn(value, name))
  for (const name of missing) errors.push(schemaError(`Missing field: ${name}`, `${pointer}/${name}`))
  if (missing.length > 0) return null

  const found: Record<string, JsonValue> = {}
  for (const name of names) {
    const field = fields[name]
    if (field !== undefined) found[name] = cast(field, value[name] ?? null, `${pointer}/${name}`, errors)
  }
  return found
}

function typeName(value: JsonValue): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}
