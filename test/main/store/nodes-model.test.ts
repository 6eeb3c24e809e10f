import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Environment } from '../../../src/main/store/environment.ts'
import { LmdbNodeStore } from '../../../src/main/store/nodes.ts'
import type { Affiliation } from '../../../src/main/store/ports.ts'
import { nodeRecord, openStore, scratchDirectory } from './open-store.ts'

type Model = Map<string, { owner: string; affiliations: Record<string, Affiliation> }>

const names = fc.constantFrom('a', 'b', 'n'.repeat(2000), 'a\x1fb', '\u{10ffff}')
const jids = fc.constantFrom('romeo@x', 'juliet@x', 'x', `${'j'.repeat(1000)}@x`)
const domains = fc.constantFrom('p.x', 'p.x2')
const affiliation = fc.constantFrom<Affiliation>('owner', 'publisher', 'publish-only', 'outcast')
const step = fc.oneof(
  fc.record({ do: fc.constant('create' as const), domain: domains, node: names, jid: jids }),
  fc.record({ do: fc.constant('affiliate' as const), domain: domains, node: names, jid: jids, affiliation }),
  fc.record({ do: fc.constant('remove' as const), domain: domains, node: names }),
  fc.record({ do: fc.constant('removeOwnedBy' as const), jid: jids, on: fc.subarray(['p.x', 'p.x2']) }),
  fc.record({ do: fc.constant('wait' as const) }),
  fc.record({ do: fc.constant('reopen' as const) }),
)

const limit = 3

test('whatever is done in whatever order, nodes and affiliations read as if kept in a map', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      using dir = scratchDirectory()
      let environment: Environment | undefined
      try {
        environment = await openStore(dir.path)
        let nodes = new LmdbNodeStore(environment)
        const model: Model = new Map()
        let last: Promise<unknown> = Promise.resolve()
        for (const each of steps) {
          switch (each.do) {
            case 'create': {
              const expected = modelCreate(model, each.domain, each.node, each.jid)
              const answer = nodes.create(each.domain, each.node, nodeRecord(each.jid), limit)
              last = answer.then((result) => expect(result).toBe(expected))
              break
            }
            case 'affiliate': {
              const found = model.get(`${each.domain} ${each.node}`)
              if (found !== undefined) found.affiliations[each.jid] = each.affiliation
              const answer = nodes.update(each.domain, each.node, (record) => ({
                ...record,
                affiliations: { ...record.affiliations, [each.jid]: each.affiliation },
              }))
              last = answer.then((result) => expect(result).toBe(found !== undefined))
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
              nodes = new LmdbNodeStore(environment)
          }
          compare(nodes, model)
        }
        await last
        compare(nodes, model)
      } finally {
        await environment?.close()
      }
    }),
    { numRuns: 150 },
  )
})

function modelCreate(model: Model, domain: string, node: string, owner: string) {
  const key = `${domain} ${node}`
  if (model.has(key)) return 'exists'
  const own = [...model].filter(([other, record]) => other.startsWith(`${domain} `) && record.owner === owner)
  if (own.length >= limit) return 'limit'
  model.set(key, { owner, affiliations: { [owner]: 'owner' } })
  return 'created'
}

function modelRemoveOwnedBy(model: Model, jid: string, domains: readonly string[]): number {
  let removed = 0
  for (const [key, { affiliations }] of model) {
    if (!domains.some((domain) => key.startsWith(`${domain} `))) continue
    const was = affiliations[jid]
    delete affiliations[jid]
    if (was === 'owner' && !Object.values(affiliations).includes('owner')) {
      model.delete(key)
      removed++
    }
  }
  return removed
}

function compare(nodes: LmdbNodeStore, model: Model): void {
  expect(nodes.count()).toBe(model.size)
  for (const [key, { owner, affiliations }] of model) {
    const at = key.indexOf(' ')
    const record = nodes.get(key.slice(0, at), key.slice(at + 1))
    expect({ owner: record?.owner, affiliations: record?.affiliations }).toEqual({ owner, affiliations })
  }
  for (const domain of ['p.x', 'p.x2']) {
    for (const jid of ['romeo@x', 'juliet@x', 'x', `${'j'.repeat(1000)}@x`]) {
      const expected = [...model].flatMap(([key, { affiliations }]) => {
        const affiliation = affiliations[jid]
        return key.startsWith(`${domain} `) && affiliation !== undefined
          ? [{ node: key.slice(domain.length + 1), affiliation }]
          : []
      })
      expected.sort((a, b) => (a.node < b.node ? -1 : 1))
      expect(nodes.affiliationsOf(domain, jid)).toEqual(expected)
    }
  }
}
