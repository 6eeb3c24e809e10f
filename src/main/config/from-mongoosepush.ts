/**
 * MongoosePush's configuration → our `[gateway]` tables. It has two forms: a TOML file, and `PUSH_…` in the environment.
 * Where there is a TOML file it alone names the providers, and the environment only fills in what the listener lacks.
 */

import { isLocal } from '../address.ts'

/** Names and values of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Parsed TOML: nothing is known of what it holds. */
type Table = Readonly<Record<string, unknown>>

/** A line of a file for the environment, as Docker and shells read it. */
const variable = /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)$/
const isEnvironment = /^\s*(?:export\s+)?PUSH_[A-Z0-9_]+=/m

/** The environment that a text spells out; undefined when it does not look like one. */
export function parseEnvironment(text: string): Environment | undefined {
  if (!isEnvironment.test(text)) return undefined
  const found = text.split('\n').flatMap((line): [string, string][] => {
    const [, name, value = ''] = variable.exec(line.trimEnd()) ?? []
    return name === undefined ? [] : [[name, unquoted(value)]]
  })
  return Object.fromEntries(found)
}

function unquoted(value: string): string {
  return /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value
}

const head = [
  '# What MongoosePush was configured with. Relative paths started at its own folder (/opt/app in its',
  '# container); here they start at the folder of this file.',
  '',
]

/** The equivalent, as text. What has no equivalent, or is missing, is said in a comment at its place. */
export function gatewayTables(toml: Table | undefined, environment: Environment): string {
  const fcm = toml === undefined ? environmentFcm(environment) : tables(toml, 'fcm').flatMap(fcmPool)
  const apns = toml === undefined ? environmentApns(environment) : tables(toml, 'apns').flatMap(apnsPool)
  const none =
    fcm.length + apns.length > 0
      ? []
      : ['# It names no provider: add [[gateway.fcm]] or [[gateway.apns]].', '']
  return [...head, ...gateway(toml ?? {}, environment), ...none, ...fcm, ...apns].join('\n')
}

function gateway(toml: Table, environment: Environment): string[] {
  const https = at(toml, 'general', 'https')
  const address = text(at(https, 'bind', 'addr')) ?? environment.PUSH_HTTPS_BIND_ADDR ?? '127.0.0.1'
  const port = whole(at(https, 'bind', 'port')) ?? environment.PUSH_HTTPS_PORT ?? '8443'
  const host = address.includes(':') ? `[${address}]` : address
  const unchecked = environment.TLS_SERVER_CERT_VALIDATION === 'false'
  return [
    '[gateway]',
    entry('listen', `${host}:${port}`),
    entry('tls.cert_file', text(at(https, 'certfile')) ?? environment.PUSH_HTTPS_CERTFILE),
    entry('tls.key_file', text(at(https, 'keyfile')) ?? environment.PUSH_HTTPS_KEYFILE),
    ...(isLocal({ kind: 'tcp', host: address, port: 0 })
      ? []
      : [
          '# With MongoosePush everyone who reaches it may push. Safer: a token for each caller (token_file), or client',
          '# certificates (tls.client_ca_file).',
          'open = true',
        ]),
    ...(unchecked ? ['# Certificates of providers are always checked: see tls.ca_file of each pool.'] : []),
    '',
  ]
}

function fcmPool(pool: Table): string[] {
  return fcmTable({
    appFile: text(at(pool, 'auth', 'appfile')),
    tags: texts(pool.tags),
    endpoint: endpointOf(text(at(pool, 'connection', 'endpoint')), whole(at(pool, 'connection', 'port'))),
  })
}

function environmentFcm(environment: Environment): string[] {
  if (!isEnabled('FCM', environment)) return []
  return fcmTable({
    appFile: environment.PUSH_FCM_APP_FILE,
    tags: [],
    endpoint: endpointOf(environment.PUSH_FCM_ENDPOINT, environment.PUSH_FCM_PORT),
  })
}

interface FcmSettings {
  readonly appFile: string | undefined
  readonly tags: readonly string[]
  readonly endpoint: string | undefined
}

function fcmTable({ appFile, tags, endpoint }: FcmSettings): string[] {
  return [
    '[[gateway.fcm]]',
    entry('service_account_file', appFile ?? 'priv/fcm/token.json'),
    'mode = ""   # every mode; in MongoosePush it was prod alone',
    ...optional('tags', tags.length === 0 ? undefined : tags),
    ...optional('endpoint', endpoint),
    '',
  ]
}

function apnsPool(pool: Table): string[] {
  const token = at(pool, 'auth', 'token')
  const certificate = at(pool, 'auth', 'certificate')
  return apnsTable({
    mode: text(pool.mode) ?? 'prod',
    auth: isTable(token)
      ? {
          kind: 'token',
          file: text(token.tokenfile),
          keyId: text(token.key_id),
          teamId: text(token.team_id),
        }
      : {
          kind: 'certificate',
          file: text(at(certificate, 'certfile')),
          keyFile: text(at(certificate, 'keyfile')),
        },
    defaultTopic: text(pool.default_topic),
    tags: texts(pool.tags),
    uses2197: at(pool, 'connection', 'use_2197') === true,
    endpoint: text(at(pool, 'connection', 'endpoint')),
  })
}

function environmentApns(environment: Environment): string[] {
  if (!isEnabled('APNS', environment)) return []
  const isCertificate = apnsAuthType(environment) === 'certificate'
  // It always has both, whether their keys are there or not.
  return ['dev', 'prod'].flatMap((mode) => {
    const own = (name: string) => environment[`PUSH_APNS_${mode.toUpperCase()}_${name}`]
    return apnsTable({
      mode,
      auth: isCertificate
        ? {
            kind: 'certificate',
            file: own('CERT') ?? `priv/apns/${mode}_cert.pem`,
            keyFile: own('KEY') ?? `priv/apns/${mode}_key.pem`,
          }
        : {
            kind: 'token',
            file: own('P8_TOKEN') ?? 'priv/apns/token.p8',
            keyId: own('KEY_ID'),
            teamId: own('TEAM_ID'),
          },
      defaultTopic: own('DEFAULT_TOPIC'),
      tags: [],
      uses2197: own('USE_2197') === 'true',
      endpoint: own('ENDPOINT'),
    })
  })
}

/** Said, or to be guessed from what is configured. */
function apnsAuthType(environment: Environment): string {
  const isNamed = (end: RegExp) =>
    Object.keys(environment).some((name) => name.startsWith('PUSH_APNS_') && end.test(name))
  const guess = isNamed(/_CERT$/) && !isNamed(/_KEY_ID$/) ? 'certificate' : 'token'
  return environment.PUSH_APNS_AUTH_TYPE ?? guess
}

interface ApnsSettings {
  readonly mode: string
  readonly auth:
    | {
        readonly kind: 'token'
        readonly file: string | undefined
        readonly keyId: string | undefined
        readonly teamId: string | undefined
      }
    | {
        readonly kind: 'certificate'
        readonly file: string | undefined
        readonly keyFile: string | undefined
      }
  readonly defaultTopic: string | undefined
  readonly tags: readonly string[]
  readonly uses2197: boolean
  readonly endpoint: string | undefined
}

function apnsTable({ mode, auth, defaultTopic, tags, uses2197, endpoint }: ApnsSettings): string[] {
  const isOwnTopic = defaultTopic === undefined && auth.kind === 'certificate'
  return [
    '[[gateway.apns]]',
    entry('mode', mode),
    ...(auth.kind === 'token'
      ? [entry('key_file', auth.file), entry('key_id', auth.keyId), entry('team_id', auth.teamId)]
      : [entry('cert_file', auth.file), entry('private_key_file', auth.keyFile)]),
    ...(isOwnTopic
      ? ['# MongoosePush took the first topic that the certificate names as the default one.']
      : []),
    entry('default_topic', defaultTopic),
    ...optional('tags', tags.length === 0 ? undefined : tags),
    ...(uses2197 ? ['port = 2197'] : []),
    ...optional('endpoint', endpointOf(endpoint, uses2197 ? '2197' : undefined)),
    '',
  ]
}

/** Said, or to be guessed from what is configured: releases have different defaults. */
function isEnabled(service: 'FCM' | 'APNS', environment: Environment): boolean {
  const said = environment[`PUSH_${service}_ENABLED`]
  if (said !== undefined) return said === 'true'
  return Object.keys(environment).some((name) => name.startsWith(`PUSH_${service}_`))
}

function endpointOf(host: string | undefined, port: string | undefined): string | undefined {
  if (host === undefined) return undefined
  return `https://${host}${port === undefined || port === '443' ? '' : `:${port}`}`
}

/** A key that should be there: without a value it is left to the reader. */
function entry(name: string, value: string | undefined): string {
  return value === undefined
    ? `#${name} = ""   # MongoosePush had none`
    : `${name} = ${JSON.stringify(value)}`
}

function optional(name: string, value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return []
  return [
    typeof value === 'string'
      ? entry(name, value)
      : `${name} = [${value.map((item) => JSON.stringify(item)).join(', ')}]`,
  ]
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((found, name) => (isTable(found) ? found[name] : undefined), value)
}

function tables(toml: Table, service: string): readonly Table[] {
  const found = at(toml, 'service', service)
  return Array.isArray(found) ? found.filter(isTable) : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function whole(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
