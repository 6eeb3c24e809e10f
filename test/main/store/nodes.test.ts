import { expect, test } from 'vitest'
import { nodeRecord, noLimits, openNodes, openStore, scratchDirectory, wholeList } from './open-store.ts'

const domain = 'push.example.com'
const romeo = 'romeo@example.com'
const juliet = 'juliet@example.com'

test('a node with all it has survives close and reopen', async () => {
  using dir = scratchDirectory()
  const record = nodeRecord(romeo, {
    configuration: { access_model: 'open', publish_model: 'publishers' },
    affiliations: {
      [romeo]: 'owner',
      'example.com': 'publish-only',
      [juliet]: 'publisher',
      'x@y': 'outcast',
    },
    registration: { options: { service: 'apns', device_id: 'tok' }, secret: 's3cret' },
  })
  {
    await using store = await openStore(dir.path)
    expect(await openNodes(store).create(domain, 'n1', record, noLimits)).toBe('created')
  }
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  expect(nodes.get(domain, 'n1')).toEqual(record)
  expect(nodes.count()).toBe(1)
  expect(nodes.affiliationsOf(domain, 'example.com', wholeList).entries).toEqual([
    { node: 'n1', affiliation: 'publish-only' },
  ])
  expect(nodes.get('other.example.com', 'n1')).toBeUndefined()
})

test('of two creates of one node in one turn the first wins and the second hears that it exists', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  const answers = [
    nodes.create(domain, 'n', nodeRecord(romeo), noLimits),
    nodes.create(domain, 'n', nodeRecord(juliet), noLimits),
  ]
  expect(await Promise.all(answers)).toEqual(['created', 'exists'])
  expect(nodes.get(domain, 'n')?.owner).toBe(romeo)
})

test('what comes behind a create in the same turn finds the node, and a remove after that removes it', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  const created = nodes.create(domain, 'n', nodeRecord(romeo), noLimits)
  expect(nodes.get(domain, 'n')?.owner).toBe(romeo)
  expect(nodes.affiliationsOf(domain, romeo, wholeList).entries).toEqual([
    { node: 'n', affiliation: 'owner' },
  ])
  expect(nodes.count()).toBe(1)
  const updated = nodes.update(
    domain,
    'n',
    (record) => ({ ...record, configuration: { max_items: '1' } }),
    noLimits,
  )
  expect(nodes.get(domain, 'n')?.configuration).toEqual({ max_items: '1' })
  const removed = nodes.remove(domain, 'n')
  expect(nodes.get(domain, 'n')).toBeUndefined()
  expect(await Promise.all([created, updated, removed])).toEqual(['created', 'updated', true])
  expect(nodes.get(domain, 'n')).toBeUndefined()
  expect(nodes.count()).toBe(0)
})

test('an owner may have so many nodes on a domain and no more, counted on each domain, creates in flight included', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  const answers = ['a', 'b', 'c'].map((node) =>
    nodes.create(domain, node, nodeRecord(romeo), { ...noLimits, perOwner: 2 }),
  )
  expect(await Promise.all(answers)).toEqual(['created', 'created', 'max_nodes_per_owner'])
  expect(await nodes.create('other.example.com', 'c', nodeRecord(romeo), { ...noLimits, perOwner: 2 })).toBe(
    'created',
  )
  expect(await nodes.create(domain, 'c', nodeRecord(juliet), { ...noLimits, perOwner: 2 })).toBe('created')
  await nodes.remove(domain, 'a')
  expect(await nodes.create(domain, 'd', nodeRecord(romeo), { ...noLimits, perOwner: 2 })).toBe('created')
})

test('an update of a node that is not there says so, and one that changes nothing says that it is there', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  expect(await nodes.update(domain, 'n', (record) => record, noLimits)).toBe('missing')
  expect(await nodes.remove(domain, 'n')).toBe(false)
  await nodes.create(domain, 'n', nodeRecord(romeo), { ...noLimits, perOwner: 1 })
  expect(await nodes.update(domain, 'n', () => undefined, noLimits)).toBe('updated')
})

test('with an account go the nodes it alone owns on the domains that are named, and its affiliations with all others', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  const shared = nodeRecord(romeo, { affiliations: { [romeo]: 'owner', [juliet]: 'owner' } })
  const guest = nodeRecord(juliet, { affiliations: { [juliet]: 'owner', [romeo]: 'publisher' } })
  await nodes.create(domain, 'own', nodeRecord(romeo), noLimits)
  await nodes.create('other.example.com', 'own', nodeRecord(romeo), noLimits)
  await nodes.create(domain, 'shared', shared, noLimits)
  await nodes.create(domain, 'guest', guest, noLimits)
  expect(await nodes.removeOwnedBy(romeo, [domain, 'other.example.com'])).toBe(2)
  expect(nodes.count()).toBe(2)
  expect(nodes.affiliationsOf(domain, romeo, wholeList).entries).toEqual([])
  expect(nodes.get(domain, 'shared')?.affiliations).toEqual({ [juliet]: 'owner' })
  expect(nodes.get(domain, 'guest')?.affiliations).toEqual({ [juliet]: 'owner' })
})

test('affiliations are listed in the order of the nodes', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  for (const node of ['b', 'c']) await nodes.create(domain, node, nodeRecord(romeo), noLimits)
  const last = nodes.create(domain, 'a', nodeRecord(romeo), noLimits)
  expect(nodes.affiliationsOf(domain, romeo, wholeList).entries.map(({ node }) => node)).toEqual([
    'a',
    'b',
    'c',
  ])
  await last
})

test.each(['constructor', '__proto__', 'toString'])(
  'the name %s is a JID and a variable like any other',
  async (name) => {
    using dir = scratchDirectory()
    {
      await using store = await openStore(dir.path)
      const affiliations = Object.create(null)
      affiliations[name] = 'owner'
      const nodes = openNodes(store)
      await nodes.create(domain, 'named', nodeRecord(name, { affiliations }), noLimits)
      await nodes.create(domain, 'other', nodeRecord(romeo), noLimits)
    }
    await using store = await openStore(dir.path)
    const nodes = openNodes(store)
    expect(nodes.get(domain, 'named')?.affiliations[name]).toBe('owner')
    expect(nodes.get(domain, 'other')?.affiliations[name]).toBeUndefined()
    expect(nodes.affiliationsOf(domain, name, wholeList).entries).toEqual([
      { node: 'named', affiliation: 'owner' },
    ])
  },
)

test.each([
  ['of 3 KiB', 'n'.repeat(3072)],
  ['of 3 KiB in four-byte characters', '😀'.repeat(768)],
  ['at the edge of what is kept as it is', 'é'.repeat(160)],
  ['empty', ''],
  ['with control characters', 'a\x00b\x1fc\x02'],
  ['that begins with the mark of a hash', '\x7fabc'],
  ['with a lone surrogate', 'a\ud800'],
  ['with the highest character', '\u{10ffff}'],
])('a name %s works as a node and as an owner', async (_, name) => {
  using dir = scratchDirectory()
  // A JID never holds a lone surrogate; a node given over HTTP may.
  const owner = `${name}@${name}`.toWellFormed()
  {
    await using store = await openStore(dir.path)
    const nodes = openNodes(store)
    expect(await nodes.create(domain, name, nodeRecord(owner), noLimits)).toBe('created')
    expect(await nodes.create(domain, `${name}x`, nodeRecord(owner), noLimits)).toBe('created')
    expect(nodes.get(domain, `${name}y`)).toBeUndefined()
  }
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  expect(nodes.get(domain, name)).toBeDefined()
  expect(nodes.get(domain, `${name}x`)).toBeDefined()
  expect(nodes.affiliationsOf(domain, owner, wholeList).entries).toHaveLength(2)
  expect(await nodes.removeOwnedBy(owner, [domain])).toBe(2)
  expect(nodes.count()).toBe(0)
})

test('two long names that differ in their last character are two nodes', async () => {
  using dir = scratchDirectory()
  await using store = await openStore(dir.path)
  const nodes = openNodes(store)
  const long = 'n'.repeat(3000)
  await nodes.create(domain, `${long}a`, nodeRecord(romeo), noLimits)
  expect(nodes.get(domain, `${long}b`)).toBeUndefined()
  expect(await nodes.create(domain, `${long}b`, nodeRecord(juliet), noLimits)).toBe('created')
  expect(nodes.get(domain, `${long}a`)?.owner).toBe(romeo)
})
