import { request } from 'node:http'
import { join } from 'node:path'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import type { Daemon } from '../support/daemon.ts'
import { type Installation, virtualDomain } from './installation.ts'

/** To the virtual domain, for a device of APNs. */
export function publish(id: string, device: string): string {
  const options = { service: 'apns', device_id: device }
  const summary = summaryOf('a@chat.test', 'b')
  return publishIq({ id, from: 'chat.test', to: virtualDomain, node: 'n', options, summary })
}

/** Publishes to a device of its own each, until it is stopped. */
export class Load {
  readonly devices: string[] = []
  readonly #answers: Promise<string>[] = []
  readonly #timer: NodeJS.Timeout

  constructor({ xmpp }: Installation, everyMs: number) {
    this.#timer = setInterval(() => {
      const id = `p${this.devices.length}`
      this.devices.push(`device-${id}`)
      const answer = xmpp.request(virtualDomain, publish(id, `device-${id}`), { timeoutMs: 30_000 })
      this.#answers.push(answer.then(({ xml }) => xml, String))
    }, everyMs)
  }

  /** Stops, whatever becomes of what was published: streams were cut under it. */
  abandon(): void {
    clearInterval(this.#timer)
  }

  /** Resolves to the answers to all that was published, that are no results. */
  async stop(): Promise<string[]> {
    clearInterval(this.#timer)
    return (await Promise.all(this.#answers)).filter((xml) => !xml.includes("type='result'"))
  }
}

/** How often each device was pushed to. */
export function pushesOf({ gateway }: Installation): Map<string, number> {
  const pushes = new Map<string, number>()
  for (const { deviceId } of gateway.requests) pushes.set(deviceId, (pushes.get(deviceId) ?? 0) + 1)
  return pushes
}

/** Writes the configuration file anew, with changes to its tables. */
export function configure(
  { daemon, config }: Installation,
  changes: Readonly<Record<string, unknown>>,
): void {
  const places = { data_dir: join(daemon.dir, 'data'), http: { listen: new URL(daemon.url).host } }
  daemon.configure({ ...places, ...config, ...changes })
}

export function components(
  installed: Installation,
): { domain: string; server: string; connections?: number }[] {
  return installed.config.component as { domain: string; server: string }[]
}

/**
 * A connection that the old process had accepted, and on which nothing was asked yet when it began to stop: the client is told to
 * come again or, if it is slower than the rest of the handover, has its connection ended. On a busy machine some are.
 */
const comeAgain = /^(?:429|503)$|ECONNRESET|socket hang up|disconnected before/

/** Asks again and again, each time on a connection of its own; what went wrong. */
export class Poll {
  readonly faults: string[] = []
  answered = 0
  #isOver = false
  readonly #done: Promise<void>

  constructor(ask: () => Promise<number>) {
    this.#done = this.#run(ask)
  }

  async stop(): Promise<string[]> {
    this.#isOver = true
    await this.#done
    return this.faults
  }

  async #run(ask: () => Promise<number>): Promise<void> {
    while (!this.#isOver) {
      const status = await ask().catch((error: Error) => error.message)
      if (status === 200) this.answered++
      else if (!comeAgain.test(String(status))) this.faults.push(String(status))
    }
  }
}

export function get(daemon: Daemon, path: string, socketPath?: string): Promise<number> {
  return send(daemon, 'GET', path, undefined, socketPath)
}

export function send(
  daemon: Daemon,
  method: string,
  path: string,
  body?: object,
  socketPath?: string,
): Promise<number> {
  const { hostname, port } = new URL(daemon.url)
  const where = socketPath === undefined ? { host: hostname, port } : { socketPath }
  const headers = { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, method, path, headers, agent: false }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
