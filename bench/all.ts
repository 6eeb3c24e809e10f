/**
 * All studies of docs/performance.md, one after the other: node bench/all.ts [STUDY …]
 *
 * Each writes bench/results/<study>.json; bench/figures.ts makes the tables and charts of them. The machine should do
 * nothing else.
 */

import { printMedians } from './load/measure.ts'
import { writeResult } from './results.ts'
import { studies } from './studies.ts'

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !studies.some((study) => study.name === name))
if (unknown.length > 0) {
  console.error(
    `${unknown.join(', ')}: no such study; there are ${studies.map(({ name }) => name).join(', ')}`,
  )
  process.exit(64)
}

// An interrupted run leaves no daemon behind: see the rig's exit handler.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

for (const study of studies) {
  if (wanted.length > 0 && !wanted.includes(study.name)) continue
  console.log(`\n${study.name}: ${study.title}`)
  const result = await study.run()
  if ('memory' in result) console.log(result.memory)
  else printMedians(result)
  writeResult(study.name, { title: study.title, ...result })
}
