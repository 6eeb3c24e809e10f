import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import { Child } from './child.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

/** `XMPP_PUSHD_CLI`: of another build. */
const commandLine = process.env.XMPP_PUSHD_CLI ?? new URL('../../src/main/cli.ts', import.meta.url).pathname

/** The configuration file's tables. What a test does not say is set for a small daemon on loopback. */
export type DaemonConfig = Readonly<Record<string, unknown>>

export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string }

/** The real daemon, as a process of its own. */
export class Daemon implements AsyncDisposable {
  readonly dir: string
  readonly configFile: string
  /** Of its HTTP server. */
  readonly url: string
  readonly #env: NodeJS.ProcessEnv
  #child: Child | undefined
  /** The process that has taken over. */
  #successor: number | undefined
  #earlierOutput = ''

  /** `env`: what its environment has besides ours. */
  constructor(dir: string, port: number, config: DaemonConfig, env: NodeJS.ProcessEnv = {}) {
    this.dir = dir
    this.#env = { ...process.env, ...env }
    this.configFile = join(dir, 'pushd.toml')
    this.url = `http://127.0.0.1:${port}`
    this.configure({ data_dir: join(dir, 'data'), http: { listen: `127.0.0.1:${port}` }, ...config })
  }

  /** Writes the whole configuration file anew; read by the next start, or at a SIGHUP. */
  configure(config: DaemonConfig): void {
    writeFileSync(this.configFile, stringify(config), { mode: 0o600 })
  }

  /** Resolves once /readyz is 200; with `'alive'`, once it answers HTTP at all. */
  async start(until_: 'ready' | 'alive' | 'started' = 'ready'): Promise<void> {
    const args = [commandLine, 'start', '--config', this.configFile]
    this.#child = new Child(process.execPath, args, { env: this.#env })
    if (until_ === 'ready') await this.ready()
    else if (until_ === 'alive') await this.#answers('/healthz', () => true)
    else await until('it to say so', () => this.#child?.output.includes('"started"'))
  }

  /** Runs `xmpp-pushd restart`: how that ended, and what it said. The process that takes over is followed from then on. */
  async restart(): Promise<{ code: number | null; output: string }> {
    const command = new Child(process.execPath, [commandLine, 'restart', '--config', this.configFile], {
      env: this.#env,
    })
    const { code } = await command.exited
    this.followSuccessor()
    return { code, output: command.output }
  }

  /** The process that has taken over last, if one has, is the daemon from now on: for signals, and for `stop`. */
  followSuccessor(): void {
    const last = this.log.findLast(({ msg }) => msg === 'handed over')
    if (typeof last?.pid === 'number') this.#successor = last.pid
  }

  /** Of the daemon's process. */
  get pid(): number | undefined {
    return this.#successor ?? this.#child?.pid
  }

  async ready(timeoutMs = 30_000): Promise<void> {
    await this.#answers('/readyz', (status) => status === 200, timeoutMs)
  }

  /** Stops it, if it runs; how it ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | undefined> {
    const child = this.#child
    if (child === undefined) return undefined
    this.followSuccessor()
    this.signal(signal)
    // Successors have the same output, so it is closed when the last one has ended; but only of the first there is a code.
    const { code, signal: endedBy } = await child.exited
    this.#child = undefined
    this.#successor = undefined
    this.#earlierOutput += child.output
    return code ?? endedBy ?? undefined
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#successor === undefined) this.#child?.kill(signal)
    else process.kill(this.#successor, signal)
  }

  /** All it has logged, restarts included. */
  get log(): LogLine[] {
    const lines = this.output.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
    return lines.map((line) => JSON.parse(line) as LogLine)
  }

  /** The lines that an operator should look into. */
  get complaints(): LogLine[] {
    return this.log.filter(({ level }) => level === 'warn' || level === 'error' || level === 'fatal')
  }

  get output(): string {
    return this.#earlierOutput + (this.#child?.output ?? '')
  }

  /** What its /v1 and /admin ask for: it has made one at its first start. */
  get token(): string {
    return readFileSync(join(this.dir, 'data', 'http.token'), 'utf8').trim()
  }

  /** Asks its HTTP server, with its token. */
  request(path: string, { headers, ...more }: RequestInit = {}): Promise<Response> {
    const all = new Headers(headers)
    all.set('authorization', `Bearer ${this.token}`)
    return fetch(this.url + path, { ...more, headers: all })
  }

  /** The sum of a metric's series (its name without prefix) that have these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    let sum = 0
    for (const line of text.split('\n')) {
      const [, series, shown = '', value] = /^xmpp_pushd_(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
      if (series === name && wanted.every((label) => shown.split(',').includes(label))) sum += Number(value)
    }
    return sum
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #answers(path: string, isEnough: (status: number) => boolean, timeoutMs?: number): Promise<void> {
    let last = 'no answer'
    const ask = async () => {
      if (this.#successor === undefined && this.#child?.hasExited !== false)
        throw new Error('the daemon is not running')
      const response = await fetch(this.url + path).catch(() => undefined)
      if (response === undefined) return false
      last = `${response.status} ${await response.text()}`
      return isEnough(response.status)
    }
    try {
      await until(`GET ${path}`, ask, timeoutMs)
    } catch (error) {
      throw new Error(`${path} of the daemon: ${last}\n${this.output}`, { cause: error })
    }
  }
}

/** Starts the daemon with a configuration and a folder of its own, and waits until it is ready. */
export async function startDaemon(
  config: DaemonConfig,
  wait: 'ready' | 'alive' = 'ready',
  env: NodeJS.ProcessEnv = {},
): Promise<Daemon> {
  const dir = mkdtempSync(join(tmpdir(), 'pushd-'))
  const daemon = new Daemon(dir, await freePort(), config, env)
  try {
    await daemon.start(wait)
  } catch (error) {
    await daemon[Symbol.asyncDispose]()
    throw error
  }
  return daemon
}
