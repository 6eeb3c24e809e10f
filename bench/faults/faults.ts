/**
 * npm run faults -- [--case gateway-down …] [--seconds 10] [--seed N] [--name faults]
 *
 * Runs the cases named (`people-` stands for all whose names begin so), or all, one after the other: each lets one thing go wrong under load and draws up the
 * accounts. Figures are written to bench/results/<name>.json after each.
 */
import { parseArgs } from 'node:util'
import { writeResult } from '../results.ts'
import type { CaseReport, FaultCase } from './cases/fault-case.ts'
import { gatewayCases } from './cases/gateway-cases.ts'
import { handoverCases } from './cases/handover-cases.ts'
import { isolationCases } from './cases/isolation-cases.ts'
import { peopleCases } from './cases/people-cases.ts'
import { processCases } from './cases/process-cases.ts'
import { providerCases } from './cases/provider-cases.ts'
import { xmppCases } from './cases/xmpp-cases.ts'

const cases: Readonly<Record<string, FaultCase>> = {
  ...gatewayCases,
  ...xmppCases,
  ...processCases,
  ...handoverCases,
  ...isolationCases,
  ...peopleCases,
  ...providerCases,
}

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: Object.keys(cases) },
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    name: { type: 'string', default: 'faults' },
  },
})
const options = { seed: Number(values.seed), seconds: Number(values.seconds) }
console.log(`seed ${options.seed}, ${options.seconds} s each`)

const reports: Record<string, CaseReport & { readonly about: string }> = {}
const known = Object.keys(cases)
for (const wanted of values.case) {
  if (!known.some((name) => name.startsWith(wanted))) {
    throw new Error(`--case ${wanted}: one of ${known.join(', ')}, or what some begin with`)
  }
}
const names = known.filter((name) =>
  values.case.some((wanted) => name === wanted || (wanted.endsWith('-') && name.startsWith(wanted))),
)
for (const name of names) {
  const faultCase = cases[name]
  if (faultCase === undefined) throw new Error(`no case ${name}`)
  const { figures, faults } = await faultCase.run(options)
  reports[name] = { about: faultCase.about, figures, faults }
  const shown = Object.entries(figures).filter(([, figure]) => figure !== 0)
  console.log(`${name} (${faultCase.about}): ${faults.length === 0 ? 'no fault' : 'FAULTS'}`)
  console.log(`  ${shown.map(([figure, value]) => `${figure} ${value}`).join(', ')}`)
  for (const fault of faults) console.error(`  ${fault}`)
  if (faults.length > 0) process.exitCode = 1
  writeResult(values.name, { ...options, cases: reports })
}
