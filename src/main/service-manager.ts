/**
 * Tells the service manager how the daemon is, by the protocol of sd_notify(3): ready, reloading, stopping, alive.
 *
 * Node.js has no datagram sockets of the Unix family, which the protocol wants. So a shell of a few hundred
 * kilobytes, started once, reads one message a line and runs systemd-notify(1) for each: in their order, and without
 * this process being forked, which takes the longer the more memory it has. The shell ends with our end of the pipe.
 *
 * Without NOTIFY_SOCKET nothing is started and nothing said. What fails is logged once, and never stops the daemon.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Logger } from 'pino'
import { type Vitals, Watchdog, watchdogIntervalMs } from './watchdog.ts'

/** The part of the daemon that is reported. */
export interface Reported {
  readonly vitals: Vitals
  /** One line for people: what `systemctl status` shows. */
  readonly summary: string
}

export interface ServiceManagerPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  /** CLOCK_MONOTONIC, which systemd compares with its own. */
  readonly monotonicMs: () => number
  readonly log: Logger
}

/** Between two looks at whether the daemon can work; less where the interval is short. */
const lookMs = 1_000
const looksPerInterval = 8

/** Lines in, one call each: a line's assignments are apart by tabs. */
const relay = `set -f; IFS=$(printf '\\t'); while IFS= read -r line; do systemd-notify $line; done`

export class ServiceManager {
  readonly #ports: ServiceManagerPorts
  readonly #socket: string | undefined
  readonly #watchdogMs: number | undefined
  #daemon: Reported | undefined
  #remark: string | undefined
  #relay: ChildProcess | undefined
  #watchdogTimer: NodeJS.Timeout | undefined
  #hasFailed = false

  constructor(ports: ServiceManagerPorts) {
    this.#ports = ports
    this.#socket = ports.env.NOTIFY_SOCKET
    this.#watchdogMs = watchdogIntervalMs(ports.env, ports.pid)
  }

  /** The daemon works; from now on the watchdog, if there is one, gets its signs of life. */
  ready(daemon: Reported): void {
    this.#daemon = daemon
    this.#tell('READY=1', this.#status)
    if (this.#watchdogMs === undefined || this.#socket === undefined) return
    const watchdog = new Watchdog(this.#watchdogMs)
    const look = () => {
      if (!this.#isBehind && watchdog.beats(daemon.vitals, this.#ports.monotonicMs())) {
        this.#tell('WATCHDOG=1', this.#status)
      }
    }
    this.#watchdogTimer = setInterval(look, Math.min(lookMs, this.#watchdogMs / looksPerInterval)).unref()
  }

  /** Takes over a changed configuration. Must be followed by `reloaded`. */
  reloading(): void {
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${Math.floor(this.#ports.monotonicMs() * 1000)}`)
  }

  /** `remark`: what an operator should know of it; it stays in the status until the next reload. */
  reloaded(remark: string | undefined): void {
    this.#remark = remark
    this.#tell('READY=1', this.#status)
  }

  /** Asks for the time that the stop takes at most: it may be more than the unit's TimeoutStopSec. */
  stopping(timeoutMs: number): void {
    clearInterval(this.#watchdogTimer)
    this.#tell('STOPPING=1', `EXTEND_TIMEOUT_USEC=${timeoutMs * 1000}`, 'STATUS=stopping')
  }

  /** No more signs of life, until it is ready again: it hands over. */
  handingOver(): void {
    clearInterval(this.#watchdogTimer)
  }

  /** Another process, which says so itself, is the daemon now. Resolves when that is told, and nothing more will be. */
  async handedOver(pid: number): Promise<void> {
    this.#tell(`MAINPID=${pid}`)
    const relay = this.#relay
    this.close()
    if (relay !== undefined && relay.exitCode === null && relay.signalCode === null) await once(relay, 'exit')
  }

  /** Whether there is one. */
  get isThere(): boolean {
    return this.#socket !== undefined
  }

  /** Nothing more will be said. */
  close(): void {
    clearInterval(this.#watchdogTimer)
    this.#relay?.stdin?.end()
  }

  /** Tabs and line ends would begin something new. */
  get #status(): string {
    const text = [this.#daemon?.summary, this.#remark].filter((part) => part !== undefined).join('; ')
    return `STATUS=${text.replaceAll(/\s+/g, ' ')}`
  }

  /** Whether the relay has not even read what was said before: then more of it would only pile up. */
  get #isBehind(): boolean {
    return (this.#relay?.stdin?.writableLength ?? 0) > 0
  }

  #tell(...assignments: readonly string[]): void {
    if (this.#socket === undefined) return
    this.#relay ??= this.#startRelay(this.#socket)
    this.#relay.stdin?.write(`${assignments.join('\t')}\n`)
  }

  #startRelay(socket: string): ChildProcess {
    const { PATH } = this.#ports.env
    const child = spawn('/bin/sh', ['-c', relay], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { NOTIFY_SOCKET: socket, ...(PATH === undefined ? {} : { PATH }) },
    })
    // When it is gone, the next message starts another one.
    const gone = () => {
      if (this.#relay === child) this.#relay = undefined
    }
    child.on('exit', gone)
    child.on('error', (error) => {
      gone()
      this.#failed(error.message)
    })
    child.stdin.on('error', (error) => this.#failed(error.message))
    createInterface({ input: child.stderr }).on('line', (line) => this.#failed(line))
    // It must not keep us running.
    child.unref()
    for (const pipe of [child.stdin, child.stderr]) if ('unref' in pipe) (pipe as { unref(): void }).unref()
    return child
  }

  #failed(reason: string): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#ports.log.warn({ reason }, 'the service manager cannot be told how the daemon is')
  }
}
