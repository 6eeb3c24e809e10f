import { expect, test } from 'vitest'
import type { StoredPublish } from '../../../src/main/store/ports.ts'
import { LmdbPublishStore } from '../../../src/main/store/publishes.ts'
import { openStore, scratchDirectory } from './open-store.ts'

const publish: StoredPublish = {
  user: 'carol@chat.test',
  jid: 'push.elsewhere.test',
  node: 'n <1>',
  domain: 'push.chat.test',
  summary: ['message-count', '1', 'last-message-body', 'Zażółć 🚀'],
  createdAtMs: 1_700_000_000_000,
}

test('what was added and not removed is there after a restart, in its order, as it was', async () => {
  using directory = scratchDirectory()
  const first = await openStore(directory.path)
  const publishes = new LmdbPublishStore(first, () => 0)
  const added = ['a', 'b', 'c'].map((node) => publishes.add({ ...publish, node }))
  await Promise.all(added.map(({ durable }) => durable))
  await publishes.remove(added[1]?.id ?? '')
  await first.close()

  const second = await openStore(directory.path)
  const again = new LmdbPublishStore(second, () => 0)
  expect(again.all().map(([, stored]) => stored)).toEqual([
    { ...publish, node: 'a' },
    { ...publish, node: 'c' },
  ])
  const { id, durable } = again.add(publish)
  await durable
  expect(again.all().at(-1)).toEqual([id, publish])
  await second.close()
})
