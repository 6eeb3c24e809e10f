/** What the served API says of itself (OpenAPI 3.0), made of the schemas that requests are checked by. */
import type { JsonObject, JsonValue } from '../json.ts'
import type { ApiVersion } from '../mongoosepush/request.ts'
import { namedSchemas, type Schema } from './served-schema.ts'

/** `version`: the daemon's. */
export function servedOpenApi(version: string): JsonObject {
  return {
    openapi: '3.0.0',
    info: { title: 'Push notifications by FCM and APNs', version },
    servers: [{ url: '/' }],
    paths: {
      ...Object.fromEntries(
        (['v1', 'v2', 'v3'] as const).map((api) => [
          `/${api}/notification/{device_id}`,
          { post: operation(api) },
        ]),
      ),
      '/healthcheck': {
        get: shown('How the provider pools are', {
          '200': 'At least one of them can work.',
          '503': 'None can.',
        }),
      },
      '/metrics': { get: shown('Metrics for Prometheus', { '200': 'As text.' }) },
      '/swagger.json': { get: shown('This description', { '200': 'OpenAPI 3.0.' }) },
    },
    components: {
      schemas: {
        ...Object.fromEntries(
          Object.entries(namedSchemas).map(([name, schema]) => [
            name,
            { title: name, ...written(schema, name) },
          ]),
        ),
        'Response.SendNotification.Errors': errorList,
        'Response.SendNotification.GenericError': object({ details: { type: 'string' } }),
        'Response.SendNotification.Reason': object({ reason: { type: 'string' } }),
      },
    },
  }
}

function operation(version: ApiVersion): JsonObject {
  const requests =
    version === 'v1'
      ? reference('Request.SendNotification.FlatNotification')
      : {
          oneOf: ['AlertNotification', 'MixedNotification', 'SilentNotification'].map((kind) =>
            reference(`Request.SendNotification.Deep.${kind}`),
          ),
        }
  return {
    summary: 'Sends a push and answers with what became of it',
    operationId: `API${version}.NotificationController.send`,
    deprecated: version !== 'v3',
    parameters: [
      { name: 'device_id', in: 'path', required: true, schema: { type: 'string' } },
      {
        name: 'wait',
        in: 'query',
        required: false,
        description: 'false: the push is stored, tried until its time is over, and answered with 202 at once',
        schema: { type: 'boolean', default: true },
      },
    ],
    requestBody: { required: true, content: jsonContent(requests) },
    responses: Object.fromEntries(
      Object.entries(answers[version === 'v3' ? 'v3' : 'flat']).map(([status, { description, schema }]) => [
        status,
        schema === undefined
          ? { description }
          : { description, content: jsonContent(reference(`Response.SendNotification.${schema}`)) },
      ]),
    ),
  }
}

interface Answer {
  readonly description: string
  readonly schema?: string
}

const common: Readonly<Record<string, Answer>> = {
  '200': { description: 'The provider has taken it.' },
  '202': { description: 'It is stored (wait=false).' },
  '422': { description: 'Fields of the request are missing, wrong or unknown.', schema: 'Errors' },
}

function said(description: string, schema: string): Answer {
  return { description, schema }
}

const answers: Readonly<Record<'v3' | 'flat', Readonly<Record<string, Answer>>>> = {
  v3: {
    ...common,
    '400': said('It cannot be sent as it is, or is no JSON.', 'Reason'),
    '401': said('The bearer token is missing or wrong.', 'Reason'),
    '403': said('The request comes from a page of another site (Origin).', 'Reason'),
    '404': said('There is nothing at this path.', 'Reason'),
    '405': said('Only POST.', 'Reason'),
    '410': said('The device is gone.', 'Reason'),
    '413': said('The push is too large for its provider, or the body is over 64 KiB.', 'Reason'),
    '421': said('The Host of the request is not a name of this server.', 'Reason'),
    '429': said('Too many at present. Retry-After says when.', 'Reason'),
    '500': said("The provider's own word for what went wrong.", 'Reason'),
    '503': said('The provider, or how it is set up here, fails.', 'Reason'),
  },
  flat: {
    ...common,
    '400': said('It is no JSON.', 'GenericError'),
    '401': said('The bearer token is missing or wrong.', 'GenericError'),
    '403': said('The request comes from a page of another site (Origin).', 'GenericError'),
    '404': said('There is nothing at this path.', 'GenericError'),
    '405': said('Only POST.', 'GenericError'),
    '413': said('The push is too large for its provider, or the body is over 64 KiB.', 'GenericError'),
    '421': said('The Host of the request is not a name of this server.', 'GenericError'),
    '500': said("It was not delivered; the provider's word says why.", 'GenericError'),
    '503': said('The provider cannot be reached.', 'GenericError'),
  },
}

const errorList: JsonObject = object({
  errors: {
    type: 'array',
    items: object({
      message: { type: 'string' },
      source: object({ pointer: { type: 'string' } }),
      title: { type: 'string' },
    }),
  },
})

function object(properties: JsonObject): JsonObject {
  return { type: 'object', properties }
}

/** In JSON Schema's words. `name`: what it is called itself, so that it is not a reference to itself. */
function written(schema: Schema, name?: string): JsonObject {
  for (const [known, other] of Object.entries(namedSchemas)) {
    if (other === schema && known !== name) return reference(known)
  }
  switch (schema.type) {
    case 'string':
      return schema.words === undefined ? { type: 'string' } : { type: 'string', enum: [...schema.words] }
    case 'integer':
      return { type: 'integer', format: 'int32' }
    case 'boolean':
      return { type: 'boolean' }
    case 'array':
      return { type: 'array', items: written(schema.items) }
    case 'object':
      if (schema.fields === undefined) return { type: 'object' }
      return {
        type: 'object',
        additionalProperties: false,
        required: [...schema.required],
        properties: Object.fromEntries(
          Object.entries(schema.fields).map(([field, value]): [string, JsonValue] => [field, written(value)]),
        ),
      }
  }
}

function reference(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` }
}

function jsonContent(schema: JsonObject): JsonObject {
  return { 'application/json': { schema } }
}

function shown(summary: string, responses: Readonly<Record<string, string>>): JsonObject {
  return {
    summary,
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, description]) => [status, { description }]),
    ),
  }
}
