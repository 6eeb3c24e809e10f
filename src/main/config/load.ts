import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ComponentConfig, Config } from './config.ts'
import { checkTogether } from './cross-checks.ts'
import { Faults, faultLine } from './faults.ts'
import {
  type Places,
  readAuthorities,
  readBearerToken,
  readSecret,
  resolvePaths,
  whyUnreadable,
} from './files.ts'
import { holdsSecret, type NamedFile, namedFiles } from './named-files.ts'
import { notesOn } from './notes.ts'
import { withProviderFiles } from './provider-tables.ts'
import { type ConfigFile, componentTables } from './schema.ts'
import { parseDocument } from './toml-document.ts'
import { validate } from './validate.ts'

export type LoadedConfig =
  | {
      readonly kind: 'loaded'
      readonly config: Config
      /** What is allowed and yet probably not meant; each one line. */
      readonly notes: readonly string[]
      /** The files that the configuration names, and the configuration file itself if it is one. */
      readonly files: readonly NamedFile[]
    }
  /** `faults`: all of them, each one line as `check` prints it. */
  | { readonly kind: 'faulty'; readonly faults: readonly string[] }

/** Reads and checks a configuration file and the files it names. Never throws for what they hold. */
export function loadConfigFile(
  path: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): LoadedConfig {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    const fault = { path: '', text: `${whyUnreadable(error)}, allowed: a TOML file that can be read` }
    return { kind: 'faulty', faults: [faultLine(path, fault)] }
  }
  const places = { folder: dirname(resolve(path)), credentials: env.CREDENTIALS_DIRECTORY }
  return loadConfig(bytes, path, places, resolve(path))
}

/** Checks the text of a configuration file. `name` precedes each fault; `own`: the path of the file, if it is one. */
export function loadConfig(bytes: Uint8Array, name: string, places: Places, own?: string): LoadedConfig {
  const faults = new Faults()
  const document = parseDocument(bytes, faults)
  if (document !== undefined) {
    validate(document, faults)
    const file = document as unknown as ConfigFile
    resolvePaths(document, places.folder)
    checkTogether(file, faults)
    const config = withFiles(file, places, faults)
    if (faults.list.length === 0) {
      const itself = own === undefined ? [] : [{ path: '', file: own, isSecret: holdsSecret(document) }]
      const files = [...itself, ...namedFiles(document)]
      return { kind: 'loaded', config: deepFreeze(config), notes: notesOn(config), files }
    }
  }
  return { kind: 'faulty', faults: faults.list.map((fault) => faultLine(name, fault)) }
}

/** Reads the named files: complete only if `faults` is empty afterwards. */
function withFiles(file: ConfigFile, places: Places, faults: Faults): Config {
  const component: ComponentConfig[] = []
  for (const { path, table } of componentTables(file)) {
    const secret = readSecret(table, path, places, faults)
    const caFile = faults.sound(`${path}.tls_ca_file`) ? table.tls_ca_file : ''
    const tls_ca = readAuthorities(caFile, `${path}.tls_ca_file`, faults)
    if (secret !== undefined) component.push({ ...table, secret, tls_ca })
  }

  const tokenFile = faults.sound('http.token_file') ? file.http.token_file : ''
  const token = tokenFile === '' ? undefined : readBearerToken(tokenFile, 'http.token_file', faults)
  const caFile = faults.sound('mongoosepush.tls.ca_file') ? file.mongoosepush.tls.ca_file : ''
  const ca = readAuthorities(caFile, 'mongoosepush.tls.ca_file', faults)
  return {
    ...file,
    component,
    http: { ...file.http, token },
    mongoosepush: { ...file.mongoosepush, tls: { ...file.mongoosepush?.tls, ca } },
    gateway: withProviderFiles(file, faults),
  }
}

/** The configuration of an empty file. */
export function defaultConfig(): Config {
  const loaded = loadConfig(new Uint8Array(), 'defaults', { folder: '/', credentials: undefined })
  if (loaded.kind === 'faulty') throw new Error(`the defaults are faulty: ${loaded.faults.join('; ')}`)
  return loaded.config
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) deepFreeze(item)
  }
  return value
}
