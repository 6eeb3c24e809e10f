import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

const source = new URL('./faulty-disk.c', import.meta.url).pathname

/** For a daemon whose disk is to fail. It has to be built: `lacks('cc')`. */
export class FaultyDisk implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'pushd-faulty-'))
  readonly #state = join(this.#dir, 'state')
  /** The daemon's environment. */
  readonly env: Readonly<Record<string, string>>

  constructor() {
    const library = join(this.#dir, 'faulty-disk.so')
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl'])
    this.mend()
    this.env = { LD_PRELOAD: library, FAULTY_DISK: this.#state }
  }

  /** From now on nothing that is written can be brought to the disk. */
  fail(error: keyof typeof constants.errno): void {
    writeFileSync(this.#state, `sync ${constants.errno[error]}`)
  }

  mend(): void {
    writeFileSync(this.#state, '')
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true })
  }
}
