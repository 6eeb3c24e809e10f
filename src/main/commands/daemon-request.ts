import { parseAddress } from '../address.ts'
import type { Config } from '../config/config.ts'
import { readHttpToken } from '../http-token.ts'
import type { Secret } from '../secret.ts'

/** The daemon could not be asked, or did not do it: what it, or the system, says. */
export class DaemonRequestError extends Error {
  override readonly name = 'DaemonRequestError'
  /** Whether the same request may succeed later. */
  readonly transient: boolean

  constructor(message: string, transient: boolean) {
    super(message)
    this.transient = transient
  }
}

/** Asks the daemon that runs with this configuration, over HTTP. Rejects with a DaemonRequestError. */
export async function askDaemon(
  config: Config,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> {
  const { http } = config
  const address = parseAddress(http.listen)
  if (address === undefined) throw new DaemonRequestError(`no address: ${http.listen}`, false)
  const where =
    address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port }
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (address.kind === 'tcp') headers.authorization = `Bearer ${tokenOf(config).reveal()}`

  // Loaded where it is wanted: Node.js loads all of its own HTTP clients with it, which a start does not wait for.
  const { request } = await import('node:http')
  const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, unknown>>>()
  const asked = request({ ...where, method, path, headers }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', (error) => reject(unreachable(http.listen, error)))
    response.on('end', () => {
      const answer = parsed(Buffer.concat(chunks).toString())
      const { statusCode = 0 } = response
      if (statusCode < 300) resolve(answer)
      else
        reject(
          new DaemonRequestError(String(answer.message ?? `HTTP status ${statusCode}`), statusCode >= 429),
        )
    })
  })
  asked.on('error', (error) => reject(unreachable(http.listen, error)))
  asked.end(body === undefined ? undefined : JSON.stringify(body))
  return promise
}

function tokenOf({ http, data_dir: dataDir }: Config): Secret {
  if (http.token !== undefined) return http.token
  try {
    return readHttpToken(dataDir)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DaemonRequestError(
      `the daemon's token cannot be read (${why}): start the daemon once, and run this as root or as the daemon's user`,
      false,
    )
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch (cause) {
    return { message: `not the daemon's answer: ${String(cause)}` }
  }
}

function unreachable(listen: string, error: Error): DaemonRequestError {
  return new DaemonRequestError(`no daemon answers at ${listen} (http.listen): ${error.message}`, true)
}
