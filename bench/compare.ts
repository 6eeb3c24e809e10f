/**
 * Two commits side by side: node bench/compare.ts COMMIT [COMMIT, default: the working tree] [--rounds 6] [--source node]
 *
 * Each is checked out beside this tree with the dependencies of its own lockfile, and runs with this tree's source and
 * sink. Says by how much the second differs from the first; writes bench/results/compare.json. Under 5 % is noise.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare, printMedians } from './load/measure.ts'
import { daemon } from './load/subject.ts'
import { writeResult } from './results.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '6' },
    source: { type: 'string', default: 'virtual' },
  },
})
const { source } = values
if (positionals.length < 1 || positionals.length > 2 || (source !== 'virtual' && source !== 'node')) {
  console.error('usage: node bench/compare.ts COMMIT [COMMIT] [--rounds N] [--source virtual|node]')
  process.exit(64)
}

const root = fileURLToPath(new URL('..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'xmpp-pushd-compare-'))
// An interrupted run leaves neither daemon nor check-out behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.once('exit', () => {
  rmSync(directory, { recursive: true, force: true })
  git('worktree', 'prune')
})

const stored = source === 'node' ? { nodes: 100_000, subscriptions: 0, deadDevices: 0 } : undefined
const changes = { source, ...(stored === undefined ? {} : { stored }) } as const
const subjects = ['first', 'second'].map((name, i) => daemon(name, changes, programOf(positionals[i], name)))
const comparison = await compare(subjects, { rounds: Number(values.rounds), seconds: 5, warmUpSeconds: 12 })
printMedians(comparison)
const [first, second] = comparison.medians
if (first !== undefined && second !== undefined) {
  const change = (before: number, after: number) => `${(((after - before) / before) * 100).toFixed(1)} %`
  console.log(
    `second against first: rate ${change(first.rate, second.rate)}, CPU ${change(first.daemonCpuUs, second.daemonCpuUs)}`,
  )
}
writeResult('compare', { commits: positionals, ...comparison })

/** The command line of a commit; of the working tree when none is named. */
function programOf(commit: string | undefined, name: string): string {
  if (commit === undefined) return join(root, 'src/main/cli.ts')
  const tree = join(directory, name)
  git('worktree', 'add', '--detach', tree, commit)
  const lockfile = (folder: string) => readFileSync(join(folder, 'package-lock.json'), 'utf8')
  if (lockfile(tree) === lockfile(root)) symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  else execFileSync('npm', ['ci'], { cwd: tree, stdio: 'inherit' })
  return join(tree, 'src/main/cli.ts')
}

function git(...args: string[]): void {
  execFileSync('git', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
}
