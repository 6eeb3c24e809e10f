/** Creates node after node until it is killed; tells its parent how many are promised to be on disk. */
import { LmdbNodeStore } from '../../../src/main/store/nodes.ts'
import { nodeRecord, openStore } from './open-store.ts'

const [path = '', name = ''] = process.argv.slice(2)
const nodes = new LmdbNodeStore(await openStore(path))
const record = nodeRecord(`${name}@example.com`)
for (let count = 0; ; ) {
  const batch = Array.from({ length: 20 }, () =>
    nodes.create('push.example.com', `${name}-${count++}`, record, Number.MAX_SAFE_INTEGER),
  )
  await Promise.all(batch)
  process.send?.(count)
}
