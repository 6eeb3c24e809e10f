/**
 * MongoosePush's request schemas, checked as MongoosePush checks them: the same messages, pointers and order
 * of errors in its 422 answers. Its caster accepts numbers and booleans written as strings.
 */
export type ApiVersion = 'v1' | 'v2' | 'v3'

/** One entry of a 422 answer's `errors`. */
export interface SchemaError {
  readonly message: string
  readonly source: { readonly pointer: string }
  readonly title: 'Invalid value'
}

type Schema =
  | { readonly type: 'string'; readonly enum?: readonly string[] }
  /** All of MongoosePush's integers have the format int32. */
  | { readonly type: 'integer' }
  | { readonly type: 'boolean' }
  | { readonly type: 'array'; readonly items: Schema }
  | ObjectSchema

interface ObjectSchema {
  readonly type: 'object'
  /** Undefined: a free-form object. Otherwise no other field is allowed. */
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

const string: Schema = { type: 'string' }
const integer: Schema = { type: 'integer' }
const service: Schema = { type: 'string', enum: ['fcm', 'apns'] }
const mode: Schema = { type: 'string', enum: ['prod', 'dev'] }
const data: Schema = { type: 'object' }

const alert: ObjectSchema = {
  type: 'object',
  properties: {
    badge: integer,
    body: string,
    click_action: string,
    sound: string,
    tag: string,
    title: string,
  },
  required: ['body', 'title'],
}

const common = {
  mode,
  mutable_content: { type: 'boolean' },
  priority: { type: 'string', enum: ['normal', 'high'] },
  service,
  tags: { type: 'array', items: string },
  time_to_live: integer,
  topic: string,
} as const satisfies Record<string, Schema>

const alertNotification: ObjectSchema = {
  type: 'object',
  properties: { ...common, alert },
  required: ['service', 'alert'],
}
const silentNotification: ObjectSchema = {
  type: 'object',
  properties: { ...common, data },
  required: ['service', 'data'],
}
const mixedNotification: ObjectSchema = {
  type: 'object',
  properties: { ...common, alert, data },
  required: ['service', 'alert', 'data'],
}
/** Version 1: everything at the top level. */
const flatNotification: ObjectSchema = {
  type: 'object',
  properties: {
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

/** What is wrong with a request's body (parsed JSON); empty when nothing is. */
export function checkRequest(version: ApiVersion, body: unknown): SchemaError[] {
  const errors: SchemaError[] = []
  check(schemaFor(version, body), body, '', errors)
  return errors
}

/** v2 and v3 have three kinds of requests: which one is meant is told by the keys that are there. */
function schemaFor(version: ApiVersion, body: unknown): ObjectSchema {
  if (version === 'v1') return flatNotification
  if (!isObject(body) || !('data' in body)) return alertNotification
  return 'alert' in body ? mixedNotification : silentNotification
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function schemaError(message: string, pointer: string): SchemaError {
  return { message, source: { pointer }, title: 'Invalid value' }
}

function check(schema: Schema, value: unknown, pointer: string, errors: SchemaError[]): void {
  const message = faultOf(schema, value)
  if (message !== undefined) {
    errors.push(schemaError(message, pointer === '' ? '/' : pointer))
  } else if (schema.type === 'object') {
    checkFields(schema, value as Record<string, unknown>, pointer, errors)
  } else if (schema.type === 'array') {
    const items = value as unknown[]
    for (let i = 0; i < items.length; i++) check(schema.items, items[i], `${pointer}/${i}`, errors)
  }
}

/** Unexpected fields (only the first is named) come before missing ones, and these before wrong ones. */
function checkFields(
  schema: ObjectSchema,
  value: Record<string, unknown>,
  pointer: string,
  errors: SchemaError[],
): void {
  const { properties, required = [] } = schema
  if (properties === undefined) return
  const names = Object.keys(value).sort()
  const unexpected = names.find((name) => !Object.hasOwn(properties, name))
  if (unexpected !== undefined) {
    errors.push(schemaError(`Unexpected field: ${unexpected}`, `${pointer}/${unexpected}`))
    return
  }
  const missing = required.filter((name) => !Object.hasOwn(value, name))
  for (const name of missing) errors.push(schemaError(`Missing field: ${name}`, `${pointer}/${name}`))
  if (missing.length > 0) return

  for (const name of names) {
    const property = properties[name]
    if (property !== undefined) check(property, value[name], `${pointer}/${name}`, errors)
  }
}

/** What is wrong with a value itself, not looking into objects and arrays. */
function faultOf(schema: Schema, value: unknown): string | undefined {
  if (value === null) return `null value where ${schema.type} expected`
  const wrongType = `Invalid ${schema.type}. Got: ${typeName(value)}`
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string') return wrongType
      return schema.enum !== undefined && !schema.enum.includes(value) ? 'Invalid value for enum' : undefined
    case 'integer': {
      const cast = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value
      if (typeof cast !== 'number' || !Number.isInteger(cast)) return wrongType
      return (cast | 0) === cast ? undefined : 'Invalid format. Expected :int32'
    }
    case 'boolean':
      return typeof value === 'boolean' || value === 'true' || value === 'false' ? undefined : wrongType
    case 'array':
      return Array.isArray(value) ? undefined : wrongType
    case 'object':
      return isObject(value) ? undefined : wrongType
  }
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}
