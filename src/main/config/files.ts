import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readCertificates } from '../gateway/pem.ts'
import { BearerTokens, Secret, SecretContent } from '../secret.ts'
import type { Faults } from './faults.ts'
import type { SchemaNode } from './keys.ts'
import { type ConfigFile, configSchema } from './schema.ts'

/** Where files named in the configuration are looked for. */
export interface Places {
  /** The configuration file's folder: relative paths start here. */
  readonly folder: string
  /** `$CREDENTIALS_DIRECTORY` of systemd. What `LoadCredential=secret:FOLDER` puts there has names with `secret_`. */
  readonly credentials: string | undefined
}

/** Makes every path in the file absolute. */
export function resolvePaths(
  table: Record<string, unknown>,
  folder: string,
  node: SchemaNode = configSchema,
): void {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const value = table[name]
    if (child.path !== undefined) {
      const isPath =
        typeof value === 'string' && value !== '' && (child.path !== 'module' || value.startsWith('.'))
      if (isPath) table[name] = resolve(folder, value)
    } else if (child.items?.properties !== undefined) {
      if (Array.isArray(value))
        for (const item of value.filter(isTable)) resolvePaths(item, folder, child.items)
    } else if (child.properties !== undefined && isTable(value)) {
      resolvePaths(value, folder, child)
    }
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The secret of a component, from the one place that names it; undefined where there is a fault. */
export function readSecret(
  table: ConfigFile['component'][number],
  path: string,
  places: Places,
  faults: Faults,
): Secret | undefined {
  if (!['domain', 'secret', 'secret_file'].every((key) => faults.sound(`${path}.${key}`))) return undefined
  if (table.secret !== '' && table.secret_file !== '') {
    faults.add(`${path}.secret`, 'is given and so is secret_file, allowed: one of them')
    return undefined
  }
  if (table.secret !== '') return new Secret(table.secret)
  if (table.secret_file !== '') return readToken(table.secret_file, `${path}.secret_file`, faults)

  for (const name of [table.domain, `secret_${table.domain}`]) {
    const file = join(places.credentials ?? '', name)
    const bytes = places.credentials === undefined ? undefined : read(file)
    if (Buffer.isBuffer(bytes)) return tokenOf(textOf(bytes), file, `${path}.secret`, faults)
  }
  faults.add(
    `${path}.secret`,
    `is missing, allowed: secret_file, secret, or a systemd credential named ${table.domain}`,
  )
  return undefined
}

/** The one line of a secret or token file. */
export function readToken(file: string, path: string, faults: Faults): Secret | undefined {
  const text = readNamed(file, path, faults)
  return text === undefined ? undefined : tokenOf(text, file, path, faults)
}

function tokenOf(text: string, file: string, path: string, faults: Faults): Secret | undefined {
  const token = text.trim()
  if (token !== '' && !/[\r\n\0]/.test(token)) return new Secret(token)
  return refuse(faults, path, file, token === '' ? 'is empty' : 'has several lines', 'one line')
}

/** The one token of a file, which comes in a header (RFC 6750 §2.1). */
export function readBearerToken(file: string, path: string, faults: Faults): Secret | undefined {
  const token = readToken(file, path, faults)
  if (token === undefined || isBearerToken(token.reveal())) return token
  return refuse(faults, path, file, 'has no token', `one token, of ${tokenCharacters}`)
}

const tokenCharacters = 'printable ASCII without spaces'

function isBearerToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

/** The tokens of a file with one on each line. */
export function readTokens(
  file: string,
  path: string,
  faults: Faults,
): SecretContent<BearerTokens> | undefined {
  const bytes = readBytes(file, path, faults)
  if (bytes === undefined) return undefined
  const lines = textOf(bytes)
    .split(/\r?\n/)
    .map((line) => line.trim())
  const wrong = lines.findIndex((line) => line !== '' && !isBearerToken(line))
  const tokens = lines.filter((line) => line !== '')
  if (wrong === -1 && tokens.length > 0) return new SecretContent(new BearerTokens(tokens), [bytes])
  const what = wrong === -1 ? 'is empty' : `has no token on line ${wrong + 1}`
  return refuse(faults, path, file, what, `one token on each line, of ${tokenCharacters}`)
}

/** PEM text of authorities; undefined when none are named. */
export function readAuthorities(file: string, path: string, faults: Faults): string | undefined {
  if (file === '') return undefined
  const text = readNamed(file, path, faults)
  if (text === undefined) return undefined
  const certificates = certificatesIn(text)
  if (typeof certificates === 'string') return refuse(faults, path, file, certificates, 'a PEM file')
  return certificates.map((certificate) => certificate.toString()).join('')
}

/** The certificates of a PEM file, at least one; or a text that says what is wrong with the file. */
export function certificatesIn(text: string): X509Certificate[] | string {
  try {
    const certificates = readCertificates(text)
    return certificates.length > 0 ? certificates : 'holds no certificate in PEM'
  } catch (error) {
    return `holds a certificate that cannot be read (${(error as Error).message})`
  }
}

function readNamed(file: string, path: string, faults: Faults): string | undefined {
  const bytes = readBytes(file, path, faults)
  return bytes === undefined ? undefined : textOf(bytes)
}

/**
 * A file's text: UTF-8, or UTF-16 as editors and shells of Windows write it, with or without a byte order mark. All files
 * that are read here begin with an ASCII character.
 */
export function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes
  const isLittle = (first === 0xff && second === 0xfe) || (first !== 0 && second === 0)
  const isBig = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
  return new TextDecoder(isLittle ? 'utf-16le' : isBig ? 'utf-16be' : 'utf-8').decode(bytes)
}

/** The key at `path` names a file that cannot be used. */
export function refuse(faults: Faults, path: string, file: string, why: string, allowed: string): undefined {
  faults.add(path, `names ${JSON.stringify(file)}, which ${why}, allowed: ${allowed}`)
}

/** Undefined, and a fault, where it cannot be had. */
export function readBytes(file: string, path: string, faults: Faults): Buffer | undefined {
  const bytes = read(file)
  if (Buffer.isBuffer(bytes)) return bytes
  return refuse(faults, path, file, bytes.reason, 'a file that can be read')
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'this user may not read',
  EISDIR: 'is a folder',
}

/** What a file holds, or why it cannot be had. */
function read(file: string): Buffer | { readonly reason: string } {
  try {
    return readFileSync(file)
  } catch (error) {
    return { reason: whyUnreadable(error) }
  }
}

export function whyUnreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
  return reasons[code] ?? `cannot be read (${code})`
}
