import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of its own in memory, gone when the test's scope ends. Root's to have: `lacks('mount')`. */
export class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'pushd-disk-'))
  readonly #filler = join(this.path, 'filler')

  constructor(kib: number) {
    mount('-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', this.path)
  }

  /** Leaves not a byte. */
  fill(): void {
    const fd = openSync(this.#filler, 'w')
    try {
      for (;;) writeSync(fd, Buffer.alloc(4096))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    } finally {
      closeSync(fd)
    }
  }

  free(): void {
    rmSync(this.#filler)
  }

  /** `ro` works while nobody has a file open for writing. */
  remount(how: 'ro' | 'rw'): void {
    mount('-o', `remount,${how}`, this.path)
  }

  [Symbol.dispose](): void {
    run('umount', this.path)
    rmdirSync(this.path)
  }
}

function mount(...args: string[]): void {
  run('mount', ...args)
}

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
}
