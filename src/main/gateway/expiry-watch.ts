import type { TokenLog } from './ports.ts'

/** Something of ours that is good until a day: a certificate. */
export interface Expiring {
  /** In the words of the configuration: `gateway.apns[0].cert_file`. */
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number
}

export interface ExpiryPorts {
  readonly nowMs: () => number
  readonly log: TokenLog
  /** The metric: by name, in seconds since the epoch. */
  readonly expiresAt: (name: string, seconds: number) => void
}

const dayMs = 86_400_000
/** Time enough to ask for a new one and to put it in place. */
const soonDays = 30
const urgentDays = 7
const checkMs = 3_600_000

/** Pure. */
export function expiryStage(leftMs: number): 'fine' | 'soon' | 'urgent' | 'expired' {
  if (leftMs <= 0) return 'expired'
  if (leftMs <= urgentDays * dayMs) return 'urgent'
  return leftMs <= soonDays * dayMs ? 'soon' : 'fine'
}

/** Warns of what comes to its end: when it is first seen to, and from then on once a day. */
export class ExpiryWatch {
  readonly #ports: ExpiryPorts
  readonly #warnedAtMs = new Map<string, number>()
  #things: readonly Expiring[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(ports: ExpiryPorts) {
    this.#ports = ports
  }

  /** These, instead of those before: at the start, and when the files are read again. */
  watch(things: readonly Expiring[]): void {
    this.#things = things
    this.#warnedAtMs.clear()
    for (const { name, expiresAtMs } of things) this.#ports.expiresAt(name, Math.floor(expiresAtMs / 1000))
    this.check()
    this.#timer ??= setInterval(() => this.check(), checkMs)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Does itself what the clock asks for every hour. */
  check(): void {
    const nowMs = this.#ports.nowMs()
    for (const { name, expiresAtMs } of this.#things) {
      const stage = expiryStage(expiresAtMs - nowMs)
      if (stage === 'fine' || nowMs - (this.#warnedAtMs.get(name) ?? 0) < dayMs) continue
      this.#warnedAtMs.set(name, nowMs)
      const leftDays = Math.floor((expiresAtMs - nowMs) / dayMs)
      const fields = { name, expiresAt: new Date(expiresAtMs).toISOString(), leftDays }
      if (stage === 'expired') this.#ports.log.error(fields, 'a certificate has expired')
      else this.#ports.log[stage === 'urgent' ? 'error' : 'warn'](fields, 'a certificate expires soon')
    }
  }
}
