/** Fills a store whose file may not grow for ever, then makes room again; prints what it saw as JSON. */
import { execFileSync } from 'node:child_process'
import { StoreError } from '../../../src/main/store/store-error.ts'
import { nodeRecord, noLimits, openNodes, openStore, wholeList } from './open-store.ts'

const domain = 'push.example.com'
const environment = await openStore(process.argv[2] ?? '')
const nodes = openNodes(environment)
const record = nodeRecord('romeo@example.com', { configuration: { title: 'x'.repeat(1000) } })
const created: string[] = []

let failure: unknown
for (let i = 0; failure === undefined && i < 100_000; i += 10) {
  const names = Array.from({ length: 10 }, (_, j) => `node-${i + j}`)
  const first = Promise.all(names.map((name) => nodes.create(domain, name, record, noLimits)))
  // Decided on what the first promises: it never succeeds without it.
  const behind = new Promise((resolve) => setImmediate(resolve)).then(() => nodes.remove(domain, `node-${i}`))
  const [made, removed] = await Promise.allSettled([first, behind])
  if (made.status === 'fulfilled') created.push(...(removed.status === 'fulfilled' ? names.slice(1) : names))
  for (const result of [made, removed]) if (result.status === 'rejected') failure = result.reason
}
const seen = {
  code: failure instanceof StoreError ? failure.code : String(failure),
  fault: environment.fault?.code,
  created: created.length,
  counted: nodes.count(),
  found: created.filter((name) => nodes.get(domain, name) !== undefined).length,
  listed: nodes.affiliationsOf(domain, 'romeo@example.com', wholeList).entries.length,
}
// There is room on the disk again.
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited'])
const after = {
  create: await nodes.create(domain, 'after', record, noLimits),
  fault: environment.fault?.code ?? 'none',
  counted: nodes.count(),
}
await environment.close()
process.stdout.write(JSON.stringify({ seen, after }))
