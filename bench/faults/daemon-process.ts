import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import { isThere } from '../../src/main/handover/successor.ts'
import { Child } from '../../test/support/child.ts'
import { freePort } from '../../test/support/free-port.ts'
import { until } from '../../test/support/until.ts'
import { unitEnvironment } from '../unit-environment.ts'

/** XMPP_PUSHD_CLI names another build of the daemon to be put to the test. */
const commandLine = process.env.XMPP_PUSHD_CLI ?? new URL('../../src/main/cli.ts', import.meta.url).pathname
const disturbance = new URL('./disturb-workers.ts', import.meta.url).href

export type Tables = Readonly<Record<string, unknown>>

export interface MemoryUse {
  readonly anonymousMb: number
  readonly fileMb: number
}

/** The daemon under test: started, killed and started again on one data directory. */
export class DaemonProcess implements AsyncDisposable {
  readonly dir: string
  readonly url: string
  starts = 0
  #child: Child | undefined
  /** Whether a process of it lives: its first one, or one that has taken over. */
  #lives = false
  /** The process that has taken over. */
  #successor: number | undefined
  #ownEnd: ((how: string) => void) | undefined
  #expected = false
  #output = ''

  private constructor(dir: string, port: number) {
    this.dir = dir
    this.url = `http://127.0.0.1:${port}`
  }

  /** Not started yet. */
  static async prepare(tables: Tables): Promise<DaemonProcess> {
    const daemon = new DaemonProcess(mkdtempSync(join(tmpdir(), 'pushd-faults-')), await freePort())
    daemon.configure(tables)
    return daemon
  }

  /** For the next start. */
  configure(tables: Tables): void {
    const own = { data_dir: join(this.dir, 'data'), http: { listen: new URL(this.url).host } }
    writeFileSync(join(this.dir, 'pushd.toml'), stringify({ ...own, ...tables }))
  }

  /** Called when it ends and nobody has asked it to. */
  onOwnEnd(listener: (how: string) => void): void {
    this.#ownEnd = listener
  }

  /** Starts it and waits for nothing. */
  start(): void {
    this.starts++
    this.#expected = false
    const unit = unitEnvironment(join(this.dir, 'cache'))
    const env = {
      ...process.env,
      ...unit,
      NODE_OPTIONS: `${unit.NODE_OPTIONS ?? ''} --import=${disturbance}`,
      PUSHD_DISTURBANCE: join(this.dir, 'disturbance'),
    }
    const config = join(this.dir, 'pushd.toml')
    const child = new Child(process.execPath, [commandLine, 'start', '--config', config], { env })
    this.#child = child
    this.#lives = true
    this.#successor = undefined
    // Successors have the same output, which is closed when the last one has ended.
    void child.exited.then(({ code, signal }) => {
      this.#lives = false
      this.#output = (this.#output + child.output).slice(-100_000)
      if (!this.#expected) this.#ownEnd?.(`${code ?? signal}: ${child.output.slice(-2_000)}`)
    })
  }

  /** Resolves once /readyz is 200. */
  async ready(timeoutMs = 30_000): Promise<void> {
    let last = 'no answer'
    const isReady = async () => {
      if (!this.#lives) throw new Error('it is not running')
      const response = await fetch(`${this.url}/readyz`).catch(() => undefined)
      if (response !== undefined) last = `${response.status} ${await response.text()}`
      return response?.status === 200
    }
    try {
      await until('/readyz to be 200', isReady, timeoutMs)
    } catch (error) {
      throw new Error(`the daemon: ${last}\n${this.output.slice(-3_000)}`, { cause: error })
    }
  }

  /** Of the process that is the daemon, as far as is known. */
  get pid(): number {
    const pid = this.#successor ?? this.#child?.pid
    if (pid === undefined) throw new Error('the daemon was not started')
    return pid
  }

  /** Whether a process of it lives. */
  get lives(): boolean {
    return this.#lives
  }

  /** The processes of it that have begun to start, oldest first: what its log, at `info`, has said lately. */
  get started(): number[] {
    return [...this.output.matchAll(/"pid":(\d+),"config".*"msg":"starting"/g)].map(([, pid]) => Number(pid))
  }

  /** Asks for a planned restart, and waits for nothing. */
  askForRestart(): void {
    process.kill(this.pid, 'SIGUSR2')
  }

  /** `kill -9` of one of its processes, if that is still there; the others may end of it. */
  kill(pid: number): void {
    this.#expected = true
    if (isThere(pid)) process.kill(pid, 'SIGKILL')
  }

  /** From now on it is this process. */
  takenOverBy(pid: number): void {
    this.#successor = pid
    this.#expected = false
  }

  /** Ends it; its exit code, or the signal that ended it. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | NodeJS.Signals | undefined> {
    const child = this.#child
    if (child === undefined) return undefined
    this.#expected = true
    // In the middle of a handover it may be another one.
    for (const pid of new Set([this.pid, ...this.started]))
      if (this.#lives && isThere(pid)) process.kill(pid, signal)
    const { code, signal: endedBy } = await child.exited
    this.#child = undefined
    return code ?? endedBy ?? undefined
  }

  /** Done to its worker threads: `exit 0`, `throw 1`, `block 0`, `exit all` (disturb-workers.ts). */
  disturbWorkers(what: string): void {
    writeFileSync(join(this.dir, 'disturbance'), what)
    process.kill(this.pid, 'SIGWINCH')
  }

  /** All series of a metric that have these labels, summed; undefined while it does not answer. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    const response = await fetch(`${this.url}/metrics`).catch(() => undefined)
    return response === undefined ? undefined : sumOf(await response.text(), name, labels)
  }

  /** Asks its HTTP server, with the token that it has made at its first start. */
  request(path: string, { headers, ...more }: RequestInit = {}): Promise<Response> {
    const all = new Headers(headers)
    all.set('authorization', `Bearer ${readFileSync(join(this.dir, 'data/http.token'), 'utf8').trim()}`)
    return fetch(this.url + path, { ...more, headers: all })
  }

  /** JSON of one of its HTTP routes; undefined where there is none. */
  async json(path: string): Promise<unknown> {
    const response = await this.request(path).catch(() => undefined)
    return response?.status === 200 ? response.json() : undefined
  }

  get memory(): MemoryUse {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    const mb = (key: string) =>
      Math.round(Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 102.4) / 10
    return { anonymousMb: mb('RssAnon'), fileMb: mb('RssFile') }
  }

  /** The most memory that it ever had, RSS of all its threads. */
  get peakMb(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 102.4) / 10
  }

  /** What `data_dir` takes of the disk. */
  get diskMb(): number {
    const data = join(this.dir, 'data')
    const blocks = readdirSync(data).reduce((sum, name) => sum + statSync(join(data, name)).blocks, 0)
    return Math.round(blocks / 204.8) / 10
  }

  /** What it has said lately. */
  get output(): string {
    return this.#output + (this.#child?.output ?? '')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }
}

function sumOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  let sum = 0
  for (const line of text.split('\n')) {
    const [, series, shown = '', value] = /^xmpp_pushd_(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    if (series === name && wanted.every((label) => shown.split(',').includes(label))) sum += Number(value)
  }
  return sum
}
