/**
 * npm run fuzz -- [--runs 250000] [--name fuzz]
 *
 * Runs the properties of test/fuzz, each so many times (those that need sockets or files fewer times), and writes
 * bench/results/<name>.json. A property that fails prints its seed, its path and its smallest counterexample.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeResult } from '../results.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '250000' }, name: { type: 'string', default: 'fuzz' } },
})

interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[]
  }[]
}

const dir = mkdtempSync(join(tmpdir(), 'pushd-fuzz-'))
const startedMs = performance.now()
const vitest = new URL('../../node_modules/vitest/vitest.mjs', import.meta.url).pathname
const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    '--project',
    'fuzz',
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${dir}/report.json`,
  ],
  { stdio: 'inherit', env: { ...process.env, FUZZ_RUNS: values.runs } },
)
const report = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8')) as VitestReport
rmSync(dir, { recursive: true })
const properties = report.testResults.flatMap(({ assertionResults }) => assertionResults)
writeResult(values.name, {
  runs: Number(values.runs),
  seconds: Math.round((performance.now() - startedMs) / 1000),
  properties: properties.length,
  failed: properties.filter((property) => property.status !== 'passed').map(({ title }) => title),
})
process.exitCode = status ?? 1
