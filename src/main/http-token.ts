/**
 * The bearer token of the daemon's own HTTP server: that of `http.token_file` where it is named, else one that the daemon
 * makes once and keeps as `http.token` in `data_dir`, for it and for commands that ask it.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import { Secret } from './secret.ts'

export const httpTokenName = 'http.token'

/** That of `data_dir`. @throws the system's error, or one that says what is wrong with what it holds. */
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
 * What the daemon asks for, made where there is none; it has locked `data_dir`. Undefined: its unix socket asks for none;
 * or, with a line in the log, it can neither be read nor made, and pushes go on without.
 */
export function httpTokenOf({ http, data_dir: dataDir }: Config, log: Logger): Secret | undefined {
  if (http.token !== undefined) return http.token
  if (http.listen.startsWith('unix:')) return undefined
  try {
    if (existsSync(join(dataDir, httpTokenName))) return readHttpToken(dataDir)
    const token = makeHttpToken(dataDir)
    log.info({ file: join(dataDir, httpTokenName) }, 'created the token for /v1 and /admin')
    return token
  } catch (err) {
    log.error({ err }, 'no token for /v1 and /admin: they refuse all requests')
    return undefined
  }
}

function makeHttpToken(dataDir: string): Secret {
  const file = join(dataDir, httpTokenName)
  const token = randomBytes(32).toString('base64url')
  // Whole, or not at all, whenever the machine stops.
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
