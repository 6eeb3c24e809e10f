/** Creates node after node until it is killed; tells its parent how many are promised to be on disk. */
import { nodeRecord, noLimits, openNodes, openStore } from './open-store.ts'

const [path = '', name = ''] = process.argv.slice(2)
const nodes = openNodes(await openStore(path))
const record = nodeRecord(`${name}@example.com`)
for (let count = 0; ; ) {
  const batch = Array.from({ length: 20 }, () =>
    nodes.create('push.example.com', `${name}-${count++}`, record, noLimits),
  )
  await Promise.all(batch)
  process.send?.(count)
}
