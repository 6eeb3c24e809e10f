import { fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { StoreInspection } from '../../../src/main/store/inspection.ts'
import { expectCountsOf, oldDomain, oldNodes, placeOldStore } from './old-store.ts'
import { nodeRecord, noLimits, openNodes, openStore, scratchDirectory, wholeList } from './open-store.ts'

const writer = new URL('./counting-writer.ts', import.meta.url).pathname
const dayMs = 86_400_000
const openedMs = 1_800_000_000_000

describe('a store of an earlier version', () => {
  test('opens with all its nodes, and what owns them is listed and counted before it is migrated and after', async () => {
    using dir = scratchDirectory()
    placeOldStore(dir.path)
    await using store = await openStore(dir.path)
    const nodes = openNodes(store)
    expect(nodes.count()).toBe(oldNodes)
    const before = nodes.ownedBy(oldDomain, 'long@example.com', wholeList).entries
    expect(before).toHaveLength(3)
    const limits = { ...noLimits, perOwner: 14 }
    expect(await nodes.create(oldDomain, 'x', nodeRecord('user0@example.com'), limits)).toBe(
      'max_nodes_per_owner',
    )
    await nodes.countStored()
    expectCountsOf(nodes)
    expect(nodes.ownedBy(oldDomain, 'long@example.com', wholeList).entries).toEqual(before)
    expect(nodes.countOfHost('elsewhere.example')).toBe(2)
    expect(await nodes.create(oldDomain, 'x', nodeRecord('user0@example.com'), limits)).toBe(
      'max_nodes_per_owner',
    )
    // Who gave a node away has room again.
    const two = { ...noLimits, perOwner: 2 }
    expect(await nodes.create(oldDomain, 'new', nodeRecord('giver@example.com'), two)).toBe('created')
    await nodes.stop()
  })

  test('is counted once: what is counted is there at the next start, and is not counted again', async () => {
    using dir = scratchDirectory()
    placeOldStore(dir.path)
    {
      await using store = await openStore(dir.path)
      await openNodes(store).countStored()
    }
    await using store = await openStore(dir.path)
    const nodes = openNodes(store)
    const transactions = store.transactions
    expectCountsOf(nodes)
    await nodes.countStored()
    expectCountsOf(nodes)
    expect(store.transactions).toBe(transactions)
  })

  test('killed at any point of that, with nodes changed meanwhile, it ends with the same lists and counts', {
    timeout: 60_000,
  }, async () => {
    using dir = scratchDirectory()
    placeOldStore(dir.path)
    for (const [round, parts] of [0, 1, 3, 2, 4, 1, 5].entries()) {
      const child = fork(writer, [dir.path, `${parts}`, `${round}`])
      const [, signal] = await once(child, 'exit')
      expect(signal).toBe('SIGKILL')
    }
    await using store = await openStore(dir.path)
    const nodes = openNodes(store)
    await nodes.countStored()
    expect(nodes.count()).toBe(oldNodes - 14 + 3)
    expectCountsOf(nodes)
    await using inspection = new StoreInspection(dir.path)
    expect(inspection.stats().format).toBe(2)
  })

  test('its nodes count as used when it was first opened, whenever it is opened again', async () => {
    using dir = scratchDirectory()
    placeOldStore(dir.path)
    for (const ageDays of [0, 100]) {
      await using store = await openStore(dir.path)
      const nodes = openNodes(store, { nowMs: () => openedMs + ageDays * dayMs })
      await nodes.countStored()
      expect(nodes.get(oldDomain, 'n0000')).toMatchObject({
        createdAtMs: 1_700_000_000_000,
        usedAtMs: openedMs,
      })
    }
  })
})
