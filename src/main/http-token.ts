/**
 * The bearer token of the daemon's own HTTP server: from `http.token_file` if that is set, else from `http.token` in
 * `data_dir`, which the daemon creates once and its commands read, too.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import { Secret } from './secret.ts'

export const httpTokenName = 'http.token'

/** The token in `data_dir`. @throws the system's error, or an error that says what is wrong with the content. */
export function readHttpToken(dataDir: string): Secret {
  const file = join(dataDir, httpTokenName)
  const token = readFileSync(file, 'utf8').trim()
  if (token === '' || /\s/.test(token)) {
    throw new Error(
      `${file} ${token === '' ? 'is empty' : 'is not one word'}: delete the file, and the daemon creates a new one`,
    )
  }
  return new Secret(token)
}

/**
 * The token that the daemon requires; created if there is none, so `data_dir` must be locked. Undefined: a unix socket
 * needs none; or the token can neither be read nor created, which is logged, and pushes over XMPP go on.
 */
export function httpTokenOf({ http, data_dir: dataDir }: Config, log: Logger): Secret | undefined {
  if (http.token !== undefined) return http.token
  if (http.listen.startsWith('unix:')) return undefined
  const file = join(dataDir, httpTokenName)
  try {
    if (existsSync(file)) return readHttpToken(dataDir)
    const token = makeHttpToken(dataDir)
    log.info({ file }, 'created the token for /v1 and /admin')
    return token
  } catch (err) {
    log.error({ err, file }, 'no token for /v1 and /admin: they refuse all requests')
    return undefined
  }
}

function makeHttpToken(dataDir: string): Secret {
  const file = join(dataDir, httpTokenName)
  const token = randomBytes(32).toString('base64url')
  // Written completely or not at all, even if the machine stops.
  const descriptor = openSync(`${file}.new`, 'w', 0o600)
  try {
    writeSync(descriptor, `${token}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(`${file}.new`, file)
  return new Secret(token)
}
