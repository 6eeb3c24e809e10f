/** One run's parts, put together: XMPP source, daemon, gateway thread, and the ledger between them. */
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../test/support/until.ts'
import { DaemonProcess, type Tables } from './daemon-process.ts'
import { Gateway } from './gateway.ts'
import type { GatewaySettings } from './gateway-protocol.ts'
import { type Findings, Ledger } from './ledger.ts'
import { sequenceOfDevice } from './publish-text.ts'
import { seeded } from './random.ts'
import { Source } from './source.ts'
import { fine } from './weather.ts'

const serverDomain = 'run.test'

export interface RigOptions {
  readonly seed: number
  /** Over the run's own configuration, table by table. */
  readonly config?: Tables
  readonly gateway?: Partial<GatewaySettings>
  /** Origins besides the run's gateway. */
  readonly otherUrls?: readonly string[]
  /** How many XMPP servers, each with a domain of its own; default 1. */
  readonly sources?: number
  /** Components at servers that are not the run's. */
  readonly otherComponents?: readonly { readonly domain: string; readonly port: number }[]
}

/** Short times, so that a run of seconds meets every deadline. */
export const requestTimeoutMs = 400
const runConfig: Tables = {
  log: { level: 'warn' },
  push: { wpool: { workers: 2 }, reply_deadline_ms: 1_000, virtual_pubsub_hosts: ['@HOST@'] },
  mongoosepush: { request_timeout_ms: requestTimeoutMs, max_http_connections: 64 },
  queue: { retry: { base_ms: 50, cap_ms: 1_000 } },
}
const maxReplyMs = 30_000
const letterPage = 100

type RigParts = Pick<Rig, 'seed' | 'ledger' | 'sources' | 'gateway' | 'daemon' | 'config' | 'random'>

export class Rig implements AsyncDisposable {
  readonly seed: number
  readonly ledger: Ledger
  readonly sources: readonly Source[]
  readonly gateway: Gateway
  readonly daemon: DaemonProcess
  /** The daemon's tables. */
  readonly config: Tables
  readonly random: () => number

  private constructor(parts: RigParts) {
    this.seed = parts.seed
    this.ledger = parts.ledger
    this.sources = parts.sources
    this.gateway = parts.gateway
    this.daemon = parts.daemon
    this.config = parts.config
    this.random = parts.random
    this.gateway.ledger = this.ledger
    this.daemon.onOwnEnd((how) => this.ledger.fault('the daemon ended by itself', how))
  }

  /** Everything but the daemon is up. */
  static async prepare(options: RigOptions): Promise<Rig> {
    const { seed, config = {}, gateway: settings, otherUrls = [], sources: count = 1 } = options
    const random = seeded(seed)
    const ledger = new Ledger({ requestTimeoutMs })
    const sources = Array.from(
      { length: count },
      (_, i) => new Source(`push${i}.${serverDomain}`, serverDomain, ledger, random),
    )
    for (const source of sources) await source.listen()
    const gateway = await Gateway.start({ seed, ...settings })
    const scheme = settings?.tls === undefined ? 'http' : 'https'
    const components = [...sources, ...(options.otherComponents ?? [])]
    const peers = {
      push: { served_hosts: components.map(({ domain }) => domain) },
      mongoosepush: { url: [`${scheme}://127.0.0.1:${gateway.port}`, ...otherUrls] },
      component: components.map(({ domain, port }) => ({
        domain,
        server: `127.0.0.1:${port}`,
        secret: 'run',
        pubsub: false,
        ping_interval_ms: 1_000,
        ping_timeout_ms: 1_000,
      })),
    }
    const tables = merged(merged(runConfig, peers), config)
    const daemon = await DaemonProcess.prepare(tables)
    return new Rig({ seed, ledger, sources, gateway, daemon, config: tables, random })
  }

  /** The first XMPP server: the only one, as a rule. */
  get source(): Source {
    const [source] = this.sources
    if (source === undefined) throw new Error('a run without a source')
    return source
  }

  /** The same, and the daemon is ready. */
  static async start(options: RigOptions): Promise<Rig> {
    const rig = await Rig.prepare(options)
    try {
      rig.daemon.start()
      await rig.daemon.ready()
      return rig
    } catch (error) {
      await rig[Symbol.asyncDispose]()
      throw error
    }
  }

  /** `kill -9`, and at once started again. */
  async crash(): Promise<void> {
    this.ledger.disturbed(now())
    await this.daemon.end('SIGKILL')
    this.ledger.disturbed(now())
    this.daemon.start()
  }

  /**
   * The end of a run: no more publishes, a healthy gateway, and time for the daemon to deliver all it has. Then the
   * accounts are drawn up.
   */
  async settle(timeoutMs = 60_000): Promise<Findings> {
    for (const source of this.sources) source.pause()
    await this.gateway.weather(fine)
    await this.daemon.ready()
    await this.#drained(timeoutMs)
    await this.gateway.flush()
    await this.#readDeadLetters()
    return this.ledger.findings()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]()
    for (const source of this.sources) await source[Symbol.asyncDispose]()
    await this.gateway[Symbol.asyncDispose]()
  }

  async #drained(timeoutMs: number): Promise<void> {
    const answered = () => this.sources.every(({ unanswered }) => unanswered === 0)
    await until('every publish to be answered', answered, maxReplyMs).catch(() => undefined)
    let pending: number | undefined
    let stored: number | undefined
    const isEmpty = async () => {
      pending = await this.daemon.metric('pending')
      stored = await this.daemon.metric('stored')
      return pending === 0 && stored === 0
    }
    await until('the store to be empty', isEmpty, timeoutMs).catch(() =>
      this.ledger.fault('not drained in time', `${pending} pending, ${stored} stored after ${timeoutMs} ms`),
    )
    // What was taken while nobody waited for it any more may still be on its way to the ledger.
    await delay(requestTimeoutMs)
  }

  /** What the daemon says of publishes it could not deliver, page by page. */
  async #readDeadLetters(): Promise<void> {
    for (let before = ''; ; ) {
      const page = await this.daemon.json(`/admin/dead-letters?limit=${letterPage}${before}`)
      if (!isTable(page) || !Array.isArray(page.letters)) return
      for (const letter of page.letters as unknown[]) {
        if (!isTable(letter)) continue
        const sequence = sequenceOfDevice(String(letter.device_id))
        if (sequence !== undefined) this.ledger.recorded(sequence, String(letter.reason))
      }
      if (typeof page.next !== 'string') return
      before = `&before=${page.next}`
    }
  }
}

/** Milliseconds since the epoch, with fractions: the clock of the ledger, in all threads. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}

function merged(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(over)) {
    const known = result[name]
    result[name] = isTable(known) && isTable(value) ? merged(known, value) : value
  }
  return result
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
