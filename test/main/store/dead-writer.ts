/** Marks and forgets devices of an earlier version's store until it is killed; tells its parent how many rounds are on disk. */
import { LmdbDeadDeviceStore } from '../../../src/main/store/dead-devices.ts'
import { openStore } from './open-store.ts'

const [path = ''] = process.argv.slice(2)
const dead = new LmdbDeadDeviceStore(await openStore(path), { ttlS: 1e9, nowMs: Date.now })
for (let round = 0; ; round++) {
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => {
      const device = { service: 'fcm', mode: undefined, id: `dead-${i}` }
      // What an odd one was met at stays; the even ones are marked by their provider, forgotten, and marked.
      if (i % 2 === 1) return dead.add(device, 'push.example.com', `other-${round}`, 'suspect_limit')
      if (round % 3 === 1) return dead.forget(device)
      return dead.add(device, 'push.example.com', `n${i}`, 'provider')
    }),
  )
  process.send?.(round)
}
