import { version } from '../version.ts'

/** What asks for a planned restart. */
export type RestartCause = 'SIGUSR2' | 'SIGHUP' | 'POST /admin/restart'

/** Whether a planned restart is under way, and what became of the last. */
export interface RestartState {
  /** Of this process: another one has taken over when it changes. */
  readonly pid: number
  readonly version: string
  /** The configuration file that it, and its successor, reads. */
  readonly config: string
  /** Attempts of this process to hand over, the one under way included. */
  readonly attempts: number
  readonly under_way: boolean
  /** The last attempt, if it failed: its number, and why. */
  readonly failed: { readonly attempt: number; readonly reason: string } | null
}

/** Requests for planned restarts: one attempt at a time. */
export class Restarts {
  readonly #config: string
  readonly #pid: number
  #attempts = 0
  #asked: PromiseWithResolvers<RestartCause> = Promise.withResolvers()
  #isAsked = false
  #failed: RestartState['failed'] = null

  constructor(config: string, pid: number) {
    this.#config = config
    this.#pid = pid
  }

  /** Why this process cannot hand over, whatever its successor; undefined: it can. */
  get refusal(): string | undefined {
    if (this.#pid !== 1) return undefined
    return 'the daemon is process 1 of its container, which ends with it: restart the container'
  }

  /** Asks for one, unless one is under way. Must not be called where there is a `refusal`. */
  ask(cause: RestartCause): void {
    if (this.#isAsked) return
    this.#isAsked = true
    this.#attempts++
    this.#asked.resolve(cause)
  }

  /** Resolves when one is asked for. */
  get asked(): Promise<RestartCause> {
    return this.#asked.promise
  }

  /** The one that was asked for has failed: the next may be asked for. */
  failed(reason: string): void {
    this.#failed = { attempt: this.#attempts, reason }
    this.#isAsked = false
    this.#asked = Promise.withResolvers()
  }

  state(): RestartState {
    return {
      pid: this.#pid,
      version,
      config: this.#config,
      attempts: this.#attempts,
      under_way: this.#isAsked,
      failed: this.#failed,
    }
  }
}
