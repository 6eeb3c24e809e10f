/** Fills a store whose file may not grow, lets it, and only waits for it to be well again; prints both as JSON. */
import { execFileSync } from 'node:child_process'
import { until } from '../../support/until.ts'
import { nodeRecord, noLimits, openNodes, openStore } from './open-store.ts'

const environment = await openStore(process.argv[2] ?? '')
const nodes = openNodes(environment)
const record = nodeRecord('romeo@example.com', { configuration: { title: 'x'.repeat(100_000) } })
for (let i = 0; environment.fault === undefined; i++) {
  await nodes.create('push.example.com', `node-${i}`, record, noLimits).catch(() => undefined)
}
const during = environment.fault.code
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited'])
await until('the store to be well again', () => environment.fault === undefined)
await environment.close()
process.stdout.write(JSON.stringify({ during, after: 'none' }))
