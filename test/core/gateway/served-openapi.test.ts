import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { servedOpenApi } from '../../../src/core/gateway/served-openapi.ts'
import { namedSchemas } from '../../../src/core/gateway/served-schema.ts'

type Json = Record<string, unknown>

const description = servedOpenApi('1.2.3') as Json & {
  readonly components: { readonly schemas: Record<string, Json> }
  readonly paths: Record<string, Json>
}
const { schemas } = description.components

/** Of MongoosePush 2.3.0's own `/swagger.json`. */
const captured = JSON.parse(
  readFileSync(new URL('../../fixtures/mongoosepush/request-schemas.json', import.meta.url), 'utf8'),
) as Record<string, Json>

/** What says what may be sent: without words for people, and with the schemas that others name in their place. */
function essence(schema: unknown, all: Record<string, Json>): unknown {
  if (Array.isArray(schema)) return schema.map((item) => essence(item, all))
  if (typeof schema !== 'object' || schema === null) return schema
  if ('$ref' in schema) return essence(all[String(schema.$ref).split('/').at(-1) ?? ''], all)
  const forPeople = new Set(['title', 'description', 'example', 'default'])
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name, value]) => !(forPeople.has(name) && typeof value !== 'object') && name !== 'example')
      .filter(([name, value]) => !(name === 'format' && value === 'text'))
      .map(([name, value]) => [name, essence(value, all)]),
  )
}

describe('what the API says of itself', () => {
  test.each(Object.keys(namedSchemas))('%s is what it is in MongoosePush', (name) => {
    expect(schemas[name]).toBeDefined()
    expect(essence(schemas[name], schemas)).toEqual(essence(captured[name], captured))
  })

  test('leaves out no schema of a request', () => {
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(Object.keys(captured)))
  })

  test('names only schemas that there are', () => {
    const named = [...JSON.stringify(description).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name]) => name,
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !(`${name}` in schemas))).toEqual([])
  })

  test('has every route', () => {
    expect(Object.keys(description.paths)).toEqual([
      '/v1/notification/{device_id}',
      '/v2/notification/{device_id}',
      '/v3/notification/{device_id}',
      '/healthcheck',
      '/metrics',
      '/swagger.json',
    ])
  })
})
