/** Counts some parts of an old store, changes nodes on both sides of what is counted, and is killed. */
import { NodeTables } from '../../../src/main/store/node-tables.ts'
import { oldDomain } from './old-store.ts'
import { nodeRecord, noLimits, openNodes, openStore } from './open-store.ts'

const [path = '', parts = '', round = ''] = process.argv.slice(2)
const environment = await openStore(path)
const tables = new NodeTables(environment, 5_000)
for (let i = 0; i < Number(parts); i++) await environment.queue.write(() => tables.countSome(60))

const nodes = openNodes(environment)
const at = Number(round)
for (const node of [`n00${at}0`, `n06${at}0`]) await nodes.remove(oldDomain, node)
for (const node of [`n00${at}1`, `n06${at}1`]) {
  const change = { affiliations: { 'taker@elsewhere.example': 'owner' } } as const
  await nodes.update(oldDomain, node, (record) => ({ ...record, ...change }), noLimits)
}
await nodes.create(oldDomain, ['0', 'new', 'z'][at % 3] ?? '', nodeRecord('new@example.com'), noLimits)
process.kill(process.pid, 'SIGKILL')
