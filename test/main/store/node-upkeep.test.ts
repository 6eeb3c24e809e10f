import { describe, expect, test } from 'vitest'
import type { LmdbNodeStore } from '../../../src/main/store/nodes.ts'
import { until } from '../../support/until.ts'
import { oldDomain, oldNodes, placeOldStore } from './old-store.ts'
import { nodeRecord, noLimits, openNodes, openStore, scratchDirectory, wholeList } from './open-store.ts'

const domain = 'push.example.com'
const dayMs = 86_400_000
const ttlMs = 400 * dayMs
const startMs = 1_700_000_000_000

/** A publish to a node, so many days after the start. */
function publish(nodes: LmdbNodeStore, node: string, day: number): void {
  const record = nodes.get(domain, node)
  const atMs = startMs + day * dayMs
  if (record !== undefined && atMs - record.usedAtMs > nodes.leastUseAgeMs) {
    nodes.used(domain, node, record, atMs)
  }
}

describe('push nodes that nobody uses', () => {
  test('go once they were neither published to nor changed for the time to live, and four days later at most', async () => {
    using dir = scratchDirectory()
    await using store = await openStore(dir.path)
    let day = 0
    const nodes = openNodes(store, { ttlMs, nowMs: () => startMs + day * dayMs })
    for (const node of ['idle', 'published', 'changed']) {
      await nodes.create(domain, node, nodeRecord('romeo@x'), noLimits)
    }
    day = 200
    publish(nodes, 'published', day)
    await until('the use to be written', () => (nodes.get(domain, 'published')?.usedAtMs ?? 0) > startMs)
    await nodes.update(
      domain,
      'changed',
      (record) => ({ ...record, usedAtMs: startMs + day * dayMs }),
      noLimits,
    )
    day = 400
    expect(await nodes.sweep()).toBe(0)
    day = 404.1
    expect(await nodes.sweep()).toBe(1)
    expect(nodes.get(domain, 'idle')).toBeUndefined()
    expect(nodes.ownedBy(domain, 'romeo@x', wholeList).count).toBe(2)
    expect(nodes.countOfHost('x')).toBe(2)
    day = 604.1
    expect(await nodes.sweep()).toBe(2)
    expect(nodes.count()).toBe(0)
    await nodes.stop()
  })

  test('stay with a time to live of 0', async () => {
    using dir = scratchDirectory()
    await using store = await openStore(dir.path)
    const nodes = openNodes(store, { ttlMs: 0, nowMs: () => startMs + 100_000 * dayMs })
    await nodes.create(domain, 'n', nodeRecord('romeo@x'), noLimits)
    expect(await nodes.sweep()).toBe(0)
    nodes.setTtl(ttlMs)
    expect(await nodes.sweep()).toBe(1)
  })

  test('of a store of an earlier version count from its first opening', async () => {
    using dir = scratchDirectory()
    placeOldStore(dir.path)
    for (const [ageDays, removed] of [
      [0, 0],
      [404, 0],
      [404.1, oldNodes],
    ] as const) {
      await using store = await openStore(dir.path)
      const nodes = openNodes(store, { ttlMs, nowMs: () => startMs + (1000 + ageDays) * dayMs })
      await nodes.countStored()
      expect(await nodes.sweep()).toBe(removed)
      expect(nodes.ownedBy(oldDomain, 'user0@example.com', wholeList).count).toBe(removed === 0 ? 14 : 0)
    }
  })

  test('one that is published to while it is swept stays', async () => {
    using dir = scratchDirectory()
    await using store = await openStore(dir.path)
    const nodes = openNodes(store, { ttlMs, nowMs: () => startMs + 500 * dayMs })
    await nodes.create(domain, 'n', nodeRecord('romeo@x'), noLimits)
    publish(nodes, 'n', 500)
    expect(await nodes.sweep()).toBe(0)
    await nodes.stop()
    expect(nodes.get(domain, 'n')?.usedAtMs).toBe(startMs + 500 * dayMs)
  })
})

describe('when a node was last published to', () => {
  test('is written once in two to four days, however often it is published to', async () => {
    using dir = scratchDirectory()
    await using store = await openStore(dir.path)
    const nodes = openNodes(store, { ttlMs })
    await nodes.create(domain, 'n', nodeRecord('romeo@x'), noLimits)
    const transactions = store.transactions
    for (let day = 0; day < 2; day += 0.001) publish(nodes, 'n', day)
    await nodes.stop()
    expect(store.transactions).toBe(transactions)
    for (let day = 2; day < 6; day += 0.001) publish(nodes, 'n', day)
    await nodes.stop()
    expect(store.transactions).toBe(transactions + 1)
    const usedDays = ((nodes.get(domain, 'n')?.usedAtMs ?? 0) - startMs) / dayMs
    expect(usedDays).toBeGreaterThan(2)
    expect(usedDays).toBeLessThan(4)
  })

  test('is written in many turns when many nodes are due, and before the daemon stops', async () => {
    using dir = scratchDirectory()
    await using store = await openStore(dir.path)
    const nodes = openNodes(store, { ttlMs })
    const many = Array.from({ length: 500 }, (_, i) => `n${i}`)
    await Promise.all(many.map((node) => nodes.create(domain, node, nodeRecord('romeo@x'), noLimits)))
    for (const node of many) publish(nodes, node, 10)
    const written = () => many.filter((node) => (nodes.get(domain, node)?.usedAtMs ?? 0) > startMs).length
    expect(written()).toBe(0)
    await until('the first of them', () => written() > 0)
    expect(written()).toBe(200)
    await nodes.stop()
    expect(written()).toBe(500)
  })
})
