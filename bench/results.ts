import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

/** Where and when a result was made. */
export interface Made {
  readonly measuredAt: string
  readonly commit: string
  readonly node: string
  readonly cores: number
  readonly cpu: string | undefined
  readonly loadAverage: readonly number[]
}

/** The file of a run of this name, with where and when it was made. */
export function writeResult(name: string, result: object): void {
  const file = fileOf(name)
  mkdirSync(new URL('.', file), { recursive: true })
  const made: Made = {
    measuredAt: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    cores: cpus().length,
    cpu: cpus()[0]?.model,
    loadAverage: loadavg(),
  }
  writeFileSync(file, `${JSON.stringify({ ...made, ...result }, undefined, 2)}\n`)
}

/** What an earlier run of this name has written; undefined: nothing. */
export function readResult<T>(name: string): T | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(name), 'utf8')) as T
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function fileOf(name: string): URL {
  return new URL(`./results/${name}.json`, import.meta.url)
}

/** `-dirty`: something of the tree was changed, and not only the results of other runs. */
function commit(): string {
  try {
    const head = git('describe', '--always')
    const changed = git(
      'status',
      '--porcelain',
      '--untracked-files=no',
      '--',
      ':/',
      ':(top,exclude)bench/results',
    )
    return changed === '' ? head : `${head}-dirty`
  } catch {
    return 'unknown'
  }
}

function git(...command: string[]): string {
  return execFileSync('git', command, { encoding: 'utf8', stdio: 'pipe' }).trim()
}
