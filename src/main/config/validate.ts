import { isIP } from 'node:net'
import { Ajv, type ErrorObject } from 'ajv'
import { isTopic } from '../../core/apns/request.ts'
import { foldedDomain } from '../../core/jid.ts'
import { parseAddress } from '../address.ts'
import { allowed } from './allowed.ts'
import { type Faults, keyPath, shownValue } from './faults.ts'
import type { SchemaNode } from './keys.ts'
import { noteNames } from './keys.ts'
import { configSchema } from './schema.ts'
import { unknownKeyText } from './unknown-key.ts'

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  useDefaults: true,
  // The schema is our own: compiling the schema of schemas to check it would take most of the start.
  meta: false,
  validateSchema: false,
  // It is compiled at each start and run once.
  code: { optimize: false },
})
ajv.addVocabulary(noteNames)
ajv.addFormat('address', (text: string) => isAddress(text, 1))
ajv.addFormat('listen-address', (text: string) => isAddress(text, 0))
ajv.addFormat('domain', isDomain)
ajv.addFormat('domain-pattern', (text: string) => isDomain(text.replaceAll('@HOST@', 'host')))
ajv.addFormat('host', (text: string) => isIP(text) !== 0 || /^(?:[a-z0-9_-]+\.)*[a-z0-9_-]+$/.test(text))
ajv.addFormat('origin', isOrigin)
ajv.addFormat('https-origin', isHttpsOrigin)
ajv.addFormat('https-origin-or-none', (text: string) => text === '' || isHttpsOrigin(text))
ajv.addFormat('listen-address-or-none', (text: string) => text === '' || isAddress(text, 0))
ajv.addFormat('apple-id', /^([A-Z0-9]{10})?$/)
ajv.addFormat('topic', (text: string) => text === '' || isTopic(text))
ajv.addFormat('language', /^([A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)?$/)
ajv.addFormat('path-prefix', (text: string) => /^\/[^\s?#]*$/.test(text))

const check = ajv.compile(configSchema)

/**
 * Checks what a TOML file holds against the schema, each key alone, and fills in the defaults.
 * `document` is changed; it is a `ConfigFile` wherever `faults` stays sound.
 */
export function validate(document: Record<string, unknown>, faults: Faults): void {
  chooseGateway(document)
  if (check(document)) return
  for (const error of check.errors ?? []) addFault(error, faults)
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

function isAddress(text: string, lowestPort: number): boolean {
  const address = parseAddress(text)
  return address !== undefined && (address.kind === 'unix' || address.port >= lowestPort)
}

/**
 * A domain as it stands in a JID (RFC 7622 §3.2), in the form in which servers write it. None has parentheses, so that
 * what comes in otherwise may be told by them.
 */
function isDomain(text: string): boolean {
  return (
    text !== '' &&
    Buffer.byteLength(text) <= 1023 &&
    text === foldedDomain(text) &&
    !/[\s@/<>&'"()\p{Cc}]/u.test(text)
  )
}

function isHttpsOrigin(text: string): boolean {
  return isOrigin(text) && text.startsWith('https:')
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return (
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    url.pathname === '/' &&
    !/[?#\s]/.test(text)
  )
}
