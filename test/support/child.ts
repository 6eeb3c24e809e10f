import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface ChildOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
}

/** A program that a test runs, and what it has said. Ends with the test process at the latest. */
export class Child {
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  #process: ChildProcess
  #output = ''

  constructor(command: string, args: readonly string[], options: ChildOptions = {}) {
    this.#process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    this.#process.stdout?.on('data', (chunk) => this.#take(chunk))
    this.#process.stderr?.on('data', (chunk) => this.#take(chunk))
    this.exited = once(this.#process, 'close').then(([code, signal]) => ({ code, signal }))
    const killIt = () => this.#process.kill('SIGKILL')
    process.once('exit', killIt)
    this.exited.then(
      () => process.off('exit', killIt),
      (error: Error) => this.#take(error.message),
    )
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(this.#output || 'the program did not start')
    return this.#process.pid
  }

  get hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** All of stdout and stderr until now, as they came. */
  get output(): string {
    return this.#output
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  #take(chunk: Buffer | string): void {
    this.#output += chunk
  }
}
