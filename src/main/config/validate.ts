import type { ErrorObject } from 'ajv'
import { allowed } from './allowed.ts'
import { type Faults, keyPath, shownValue } from './faults.ts'
import type { SchemaNode } from './keys.ts'
import { checkSchema } from './schema-check.ts'
import { unknownKeyText } from './unknown-key.ts'

/**
 * Checks what a TOML file holds against the schema, each key alone, and fills in the defaults.
 * `document` is changed; it is a `ConfigFile` wherever `faults` stays sound.
 */
export function validate(document: Record<string, unknown>, faults: Faults): void {
  chooseGateway(document)
  if (checkSchema(document)) return
  for (const error of checkSchema.errors ?? []) addFault(error, faults)
}

/** The one default that depends on other keys, and on whether they are given. */
function chooseGateway(document: Record<string, unknown>): void {
  const { push = {}, mongoosepush = {}, gateway } = document
  if (!isTable(push) || 'gateway' in push || !isTable(mongoosepush) || 'url' in mongoosepush) return
  if (!isTable(gateway) || [gateway.fcm ?? [], gateway.apns ?? []].flat().length === 0) return
  document.push = { ...push, gateway: 'direct' }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function addFault(error: ErrorObject, faults: Faults): void {
  // What is wrong with each alternative of a union says less than the union's own words.
  if (error.schemaPath.includes('/anyOf/')) return
  const path = pathOf(error.instancePath)
  const node = error.parentSchema as SchemaNode | undefined
  if (error.keyword === 'additionalProperties') {
    const name = String(error.params.additionalProperty)
    faults.add(keyPath(path, name), unknownKeyText(path, name))
  } else if (error.keyword === 'required') {
    const name = String(error.params.missingProperty)
    faults.add(keyPath(path, name), `is missing, allowed: ${allowed(node?.properties?.[name])}`)
  } else if (error.keyword === 'uniqueItems') {
    const twice = (error.data as unknown[])[Number(error.params.i)]
    faults.add(path, `holds ${shownValue(twice)} twice, allowed: each once`)
  } else {
    const value = node?.confidential === true ? 'not text' : shownValue(error.data)
    faults.add(path, `is ${value}, allowed: ${allowed(node)}`)
  }
}

/** `/component/0/domain` → `component[0].domain`. */
function pathOf(instancePath: string): string {
  let path = ''
  for (const part of instancePath.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path = /^\d+$/.test(name) && path !== '' ? `${path}[${name}]` : keyPath(path, name)
  }
  return path
}
