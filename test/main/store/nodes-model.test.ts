import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Environment } from '../../../src/main/store/environment.ts'
import { compareKeys, keyPart } from '../../../src/main/store/keys.ts'
import type { Affiliation, ListPart, NodeLimit } from '../../../src/main/store/node-ports.ts'
import type { LmdbNodeStore } from '../../../src/main/store/nodes.ts'
import { nodeRecord, openNodes, openStore, scratchDirectory, wholeList } from './open-store.ts'

type Affiliations = Record<string, Affiliation>
/** By domain and node. */
type Model = Map<string, { owner: string; affiliations: Affiliations }>

const allJids = ['romeo@x', 'juliet@x', 'x', `${'j'.repeat(1000)}@y`]
const allDomains = ['p.x', 'p.x2']
const allNames = ['a', 'b', 'c', 'n'.repeat(2000), 'a\x1fb', '\u{10ffff}', '￿']
const names = fc.constantFrom(...allNames)
const jids = fc.constantFrom(...allJids)
const domains = fc.constantFrom(...allDomains)
const affiliation = fc.constantFrom<Affiliation | 'none'>('owner', 'owner', 'none', 'publisher', 'outcast')
const step = fc.oneof(
  fc.record({ do: fc.constant('create' as const), domain: domains, node: names, jid: jids }),
  fc.record({ do: fc.constant('affiliate' as const), domain: domains, node: names, jid: jids, affiliation }),
  fc.record({ do: fc.constant('remove' as const), domain: domains, node: names }),
  fc.record({ do: fc.constant('removeOwnedBy' as const), jid: jids, on: fc.subarray(['p.x', 'p.x2']) }),
  fc.record({ do: fc.constant('wait' as const) }),
  fc.record({ do: fc.constant('reopen' as const) }),
)

const limits = { perOwner: 3, perHost: 5, inAll: 6 }

test('whatever is done in whatever order, nodes, lists and counts read as if kept in a map', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      using dir = scratchDirectory()
      let environment: Environment | undefined
      try {
        environment = await openStore(dir.path)
        let nodes = openNodes(environment)
        const model: Model = new Map()
        let last: Promise<unknown> = Promise.resolve()
        for (const each of steps) {
          switch (each.do) {
            case 'create': {
              const expected = modelCreate(model, each.domain, each.node, each.jid)
              const answer = nodes.create(each.domain, each.node, nodeRecord(each.jid), limits)
              last = answer.then((result) => expect(result).toBe(expected))
              break
            }
            case 'affiliate': {
              const expected = modelAffiliate(model, each.domain, each.node, each.jid, each.affiliation)
              const answer = nodes.update(
                each.domain,
                each.node,
                (record) => {
                  const affiliations = affiliated(record.affiliations, each.jid, each.affiliation)
                  return ownersIn(affiliations).length === 0 ? undefined : { ...record, affiliations }
                },
                limits,
              )
              last = answer.then((result) => expect(result).toBe(expected))
              break
            }
            case 'remove': {
              const expected = model.delete(`${each.domain} ${each.node}`)
              last = nodes.remove(each.domain, each.node).then((result) => expect(result).toBe(expected))
              break
            }
            case 'removeOwnedBy': {
              const expected = modelRemoveOwnedBy(model, each.jid, each.on)
              last = nodes.removeOwnedBy(each.jid, each.on).then((result) => expect(result).toBe(expected))
              break
            }
            case 'wait':
              await last
              break
            case 'reopen':
              await last
              await environment.close()
              environment = await openStore(dir.path)
              nodes = openNodes(environment)
          }
          compare(nodes, model)
        }
        await last
        compare(nodes, model)
      } finally {
        await environment?.close()
      }
    }),
    { numRuns: 100 },
  )
})

function modelCreate(model: Model, domain: string, node: string, owner: string) {
  const key = `${domain} ${node}`
  if (model.has(key)) return 'exists'
  if (model.size >= limits.inAll) return 'max_nodes'
  const lack = modelLack(model, domain, {}, { [owner]: 'owner' })
  if (lack !== undefined) return lack
  model.set(key, { owner, affiliations: { [owner]: 'owner' } })
  return 'created'
}

function modelAffiliate(model: Model, domain: string, node: string, jid: string, to: Affiliation | 'none') {
  const found = model.get(`${domain} ${node}`)
  if (found === undefined) return 'missing'
  const affiliations = affiliated(found.affiliations, jid, to)
  if (ownersIn(affiliations).length === 0) return 'updated'
  const lack = modelLack(model, domain, found.affiliations, affiliations)
  if (lack === undefined) found.affiliations = affiliations
  return lack ?? 'updated'
}

function modelLack(
  model: Model,
  domain: string,
  before: Affiliations,
  after: Affiliations,
): NodeLimit | undefined {
  const added = ownersIn(after).filter((jid) => before[jid] !== 'owner')
  const ownsEnough = (jid: string) =>
    [...model].filter(([key, { affiliations }]) => {
      return key.startsWith(`${domain} `) && affiliations[jid] === 'owner'
    }).length >= (ownersIn(before).length === 0 ? limits.perOwner : limits.perOwner / 2)
  if (added.some(ownsEnough)) return 'max_nodes_per_owner'
  const hosts = new Set(added.map(hostOf))
  for (const jid of ownersIn(before)) hosts.delete(hostOf(jid))
  return [...hosts].some((host) => ofHost(model, host) >= limits.perHost) ? 'max_nodes_per_host' : undefined
}

function modelRemoveOwnedBy(model: Model, jid: string, domains: readonly string[]): number {
  let removed = 0
  for (const [key, node] of model) {
    if (!domains.some((domain) => key.startsWith(`${domain} `))) continue
    const was = node.affiliations[jid]
    node.affiliations = affiliated(node.affiliations, jid, 'none')
    if (was === 'owner' && ownersIn(node.affiliations).length === 0) {
      model.delete(key)
      removed++
    }
  }
  return removed
}

function affiliated(before: Readonly<Affiliations>, jid: string, to: Affiliation | 'none'): Affiliations {
  const { [jid]: _, ...others } = before
  return to === 'none' ? others : { ...before, [jid]: to }
}

function ownersIn(affiliations: Readonly<Affiliations>): string[] {
  return Object.keys(affiliations).filter((jid) => affiliations[jid] === 'owner')
}

function hostOf(jid: string): string {
  return jid.slice(jid.indexOf('@') + 1)
}

function ofHost(model: Model, host: string): number {
  return [...model.values()].filter(({ affiliations }) => ownersIn(affiliations).map(hostOf).includes(host))
    .length
}

function compare(nodes: LmdbNodeStore, model: Model): void {
  expect(nodes.count()).toBe(model.size)
  for (const host of ['x', 'y']) expect(nodes.countOfHost(host)).toBe(ofHost(model, host))
  for (const [key, { owner, affiliations }] of model) {
    const at = key.indexOf(' ')
    const record = nodes.get(key.slice(0, at), key.slice(at + 1))
    expect({ owner: record?.owner, affiliations: record?.affiliations }).toEqual({ owner, affiliations })
  }
  for (const domain of allDomains) {
    for (const jid of allJids) {
      const expected = [...model].flatMap(([key, { affiliations }]) => {
        const affiliation = affiliations[jid]
        return key.startsWith(`${domain} `) && affiliation !== undefined
          ? [{ node: key.slice(domain.length + 1), affiliation }]
          : []
      })
      expected.sort((a, b) => compareKeys(keyPart(a.node), keyPart(b.node)))
      const owned = expected.filter(({ affiliation }) => affiliation === 'owner')
      expect(nodes.affiliationsOf(domain, jid, wholeList)).toEqual({
        entries: expected,
        index: 0,
        count: expected.length,
      })
      expectPart(owned, wholeList, nodes.ownedBy(domain, jid, wholeList))
      const parts = (model.size % 2 === 0 ? ['a', 'b'] : ['c', 'gone']).flatMap((anchor) => [
        { anchor, backwards: false, limit: 2 },
        { anchor, backwards: true, limit: 2 },
        { anchor: undefined, backwards: true, limit: 2 },
      ])
      for (const part of parts) {
        expectPart(expected, part, nodes.affiliationsOf(domain, jid, part))
        expectPart(owned, part, nodes.ownedBy(domain, jid, part))
      }
    }
  }
}

function expectPart<T extends { node: string }>(all: readonly T[], part: ListPart, found: unknown): void {
  const { anchor, backwards, limit } = part
  const places = all.map((_, i) => i)
  const order = (i: number) => compareKeys(keyPart(all[i]?.node ?? ''), keyPart(anchor ?? ''))
  const wanted = backwards
    ? places.filter((i) => anchor === undefined || order(i) < 0).slice(-limit)
    : places.filter((i) => anchor === undefined || order(i) > 0).slice(0, limit)
  expect(found).toEqual({
    entries: wanted.map((i) => all[i]),
    index: wanted[0] ?? all.length,
    count: all.length,
  })
}
