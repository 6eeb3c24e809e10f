import { expect, test } from 'vitest'
import {
  type AppServerAtWork,
  alice,
  bob,
  pubsub,
  pubsubHost,
  pubsubOwner,
  shadowedHost,
  startAppServer,
} from './app-server-at-work.ts'

function affiliate(app: AppServerAtWork, changes: Record<string, string>, from = alice): Promise<string> {
  const list = Object.entries(changes).map(
    ([jid, name]) => `<affiliation jid='${jid}' affiliation='${name}'/>`,
  )
  return app.ask(from, 'set', pubsubOwner(`<affiliations node='n1'>${list.join('')}</affiliations>`))
}

test('an owner gives affiliations, takes them away, and gets the list of them', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(
    await affiliate(app, {
      'Bob@Chat.test/phone': 'owner',
      'chat.test': 'publish-only',
      'carol@chat.test': 'publisher',
      'eve@chat.test': 'outcast',
      'dave@chat.test': 'none',
    }),
  ).toBe('result')
  expect(await affiliate(app, { 'carol@chat.test': 'none' })).toBe('result')

  const list = await app.query(alice, pubsubOwner("<affiliations node='n1'/>"))
  const entries = list.firstChild()?.elements() ?? []
  expect(Object.fromEntries(entries.map((entry) => [entry.attr('jid'), entry.attr('affiliation')]))).toEqual({
    'alice@chat.test': 'owner',
    'bob@chat.test': 'owner',
    'chat.test': 'publish-only',
    'eve@chat.test': 'outcast',
  })
})

test.each([
  ['member', 'modify/not-acceptable'],
  ['', 'modify/not-acceptable'],
])('the affiliation "%s" is answered with %s', async (name, answer) => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await affiliate(app, { 'bob@chat.test': 'publisher', 'eve@chat.test': name })).toBe(answer)
  expect(app.nodes.get(pubsubHost, 'n1')?.affiliations).toEqual({ 'alice@chat.test': 'owner' })
})

test('an affiliation for what is no JID is a bad request', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await affiliate(app, { '@chat.test': 'publisher' })).toBe('modify/bad-request')
})

test.each(['none', 'publisher', 'outcast'])(
  'the last owner cannot become %s: modify/not-acceptable',
  async (name) => {
    await using app = await startAppServer()
    await app.create(alice, 'n1')
    expect(await affiliate(app, { 'alice@chat.test': name })).toBe('modify/not-acceptable')
    expect(await affiliate(app, { 'alice@chat.test': name, 'bob@chat.test': 'owner' })).toBe('result')
    expect(await affiliate(app, { 'alice@chat.test': 'owner' })).toBe('auth/forbidden')
    expect(await affiliate(app, { 'alice@chat.test': 'owner' }, bob)).toBe('result')
  },
)

test('two changes that arrive together are both made', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  await Promise.all([
    affiliate(app, { 'a@chat.test': 'publisher' }),
    affiliate(app, { 'b@chat.test': 'publisher' }),
  ])
  expect(Object.keys(app.nodes.get(pubsubHost, 'n1')?.affiliations ?? {})).toHaveLength(3)
})

test('who loses the node while a request is under way is refused', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  const answers = await Promise.all([
    affiliate(app, { 'alice@chat.test': 'none', 'bob@chat.test': 'owner' }),
    affiliate(app, { 'eve@chat.test': 'owner' }),
  ])
  expect(answers).toEqual(['result', 'auth/forbidden'])
})

test('in the plain namespace the sender gets its own affiliations, of one node or of all', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  await app.create(alice, 'n2')
  await app.create(alice, 'n3', shadowedHost)
  await affiliate(app, { 'bob@chat.test': 'publish-only' })
  const entriesOf = async (from: string, payload: string) => {
    const answer = await app.query(from, pubsub(payload))
    return answer
      .firstChild()
      ?.elements()
      .map((entry) => [entry.attr('node'), entry.attr('affiliation')])
  }
  expect(await entriesOf(alice, '<affiliations/>')).toEqual([
    ['n1', 'owner'],
    ['n2', 'owner'],
  ])
  expect(await entriesOf(alice, "<affiliations node='n2'/>")).toEqual([['n2', 'owner']])
  expect(await entriesOf(bob, '<affiliations/>')).toEqual([['n1', 'publish-only']])
  expect(await entriesOf('eve@chat.test/r', '<affiliations/>')).toEqual([])
})
