import { describe, expect, test } from 'vitest'
import type { Element } from '../../../../src/core/xml/element.ts'
import type { Affiliation } from '../../../../src/main/store/node-ports.ts'
import { nodeRecord, noLimits } from '../../store/open-store.ts'
import {
  type AppServerAtWork,
  alice,
  bob,
  parseStanza,
  pubsub,
  pubsubHost,
  pubsubOwner,
  startAppServer,
  summaryOfAnswer,
} from './app-server-at-work.ts'

const rsmNs = 'http://jabber.org/protocol/rsm'
const quotes = (count: number) => "'".repeat(count)
const escaped = (text: string) => text.replaceAll("'", '&apos;').replaceAll('&apos;apos;', '&apos;')

function set(xml: string): string {
  return `<set xmlns='${rsmNs}'>${xml}</set>`
}

/** Each list that there is, with a `<set/>` where it belongs; what its entries are called. */
const lists: Record<string, { ask: (set: string) => string; entries: (payload: Element) => string[] }> = {
  'disco#items': {
    ask: (set) => `<query xmlns='http://jabber.org/protocol/disco#items'>${set}</query>`,
    entries: (query) => query.elements('item').map((item) => item.attr('node') ?? ''),
  },
  'own affiliations': {
    ask: (set) => pubsub(`<affiliations/>${set}`),
    entries: (payload) =>
      payload
        .firstChild()
        ?.elements()
        .map((entry) => entry.attr('node') ?? '') ?? [],
  },
  'affiliations of a node': {
    ask: (set) => pubsubOwner(`<affiliations node='listed'/>${set}`),
    entries: (payload) =>
      payload
        .firstChild()
        ?.elements()
        .map((entry) => entry.attr('jid') ?? '') ?? [],
  },
}

interface Page {
  readonly entries: string[]
  readonly first: string | undefined
  readonly index: string | undefined
  readonly last: string | undefined
  readonly count: string | undefined
  readonly bytes: number
}

async function page(app: AppServerAtWork, list: string, rsm = '', from = alice): Promise<Page> {
  const { ask, entries } = lists[list] ?? { ask: () => '', entries: () => [] }
  const xml = `<iq from='${from}' to='${pubsubHost}' id='1' type='get'>${ask(rsm)}</iq>`
  const text = await app.answerText(xml)
  const payload = parseStanza(text).firstChild()
  const found = payload?.child('set', rsmNs)
  if (payload === undefined || found === undefined) throw new Error(text)
  const first = found.child('first', rsmNs)
  return {
    entries: entries(payload),
    first: first?.text(),
    index: first?.attr('index'),
    last: found.child('last', rsmNs)?.text(),
    count: found.child('count', rsmNs)?.text(),
    bytes: Buffer.byteLength(text),
  }
}

/** So many entries in each list, called like that. */
async function withEntries(count: number, name: (i: number) => string): Promise<AppServerAtWork> {
  const app = await startAppServer({ nodeLimits: { perOwner: 1e9 } })
  const affiliations: Record<string, Affiliation> = { 'alice@chat.test': 'owner' }
  for (let i = 0; i < count; i++) affiliations[`${name(i)}@x`] = 'publisher'
  const listed = { affiliations }
  await app.nodes.create(pubsubHost, 'listed', nodeRecord('alice@chat.test', listed), noLimits)
  for (let i = 0; i < count; i++) {
    await app.nodes.create(pubsubHost, name(i), nodeRecord('alice@chat.test'), noLimits)
  }
  return app
}

describe.each(Object.keys(lists))('a list is in pages: %s', (list) => {
  test('without a set the first page, which says so: 100 entries, where it begins and ends, and how many there are', async () => {
    await using app = await withEntries(150, (i) => `n${String(i).padStart(3, '0')}`)
    const first = await page(app, list)
    expect(first.entries).toHaveLength(100)
    expect(first).toMatchObject({
      first: first.entries[0],
      index: '0',
      last: first.entries[99],
      count: '151',
    })
    for (const max of ['1000', '2147483647', '4294967295', '9'.repeat(1000)]) {
      expect(await page(app, list, set(`<max>${max}</max>`))).toEqual(first)
    }
  })

  test('forwards by "after" and backwards by "before", every entry comes once, in one order', async () => {
    await using app = await withEntries(25, (i) => `n${i}`)
    const forwards: string[] = []
    for (let after = ''; ; ) {
      const next = await page(app, list, set(`<max>7</max>${after === '' ? '' : `<after>${after}</after>`}`))
      if (next.entries.length === 0) {
        expect(next).toMatchObject({ first: undefined, last: undefined, count: '26' })
        break
      }
      expect(next.index).toBe(`${forwards.length}`)
      forwards.push(...next.entries)
      after = next.last ?? ''
    }
    expect(new Set(forwards).size).toBe(26)

    const backwards: string[] = []
    for (let before = ''; ; ) {
      const next = await page(app, list, set(`<max>7</max><before>${before}</before>`))
      if (next.entries.length === 0) break
      expect(next.index).toBe(`${26 - backwards.length - next.entries.length}`)
      backwards.unshift(...next.entries)
      before = next.first ?? ''
    }
    expect(backwards).toEqual(forwards)
  })

  test('a page behind a name is the same whether or not what has that name is still there', async () => {
    await using app = await withEntries(10, (i) => `n${i}`)
    const [, third] = (await page(app, list, set('<max>3</max>'))).entries
    const behind = await page(app, list, set(`<after>${third}</after>`))
    const name = third ?? ''
    if (list === 'affiliations of a node') {
      const entry = `<affiliation jid='${name}' affiliation='none'/>`
      const change = pubsubOwner(`<affiliations node='listed'>${entry}</affiliations>`)
      expect(await app.ask(alice, 'set', change)).toBe('result')
    } else {
      expect(await app.ask(alice, 'set', pubsubOwner(`<delete node='${name}'/>`))).toBe('result')
    }
    const again = await page(app, list, set(`<after>${name}</after>`))
    expect(again.entries).toEqual(behind.entries)
    expect(again.count).toBe('10')
  })

  test('a max of 0 asks for the number alone', async () => {
    await using app = await withEntries(3, (i) => `n${i}`)
    expect(await page(app, list, set('<max>0</max>'))).toMatchObject({
      entries: [],
      first: undefined,
      count: '4',
    })
  })

  test.each([
    ['<max>many</max>', 'modify/bad-request'],
    ['<max>-1</max>', 'modify/bad-request'],
    ['<index>3</index>', 'cancel/feature-not-implemented'],
  ])('a set with %s is answered with %s', async (rsm, answer) => {
    await using app = await withEntries(1, (i) => `n${i}`)
    expect(await app.ask(alice, 'get', lists[list]?.ask(set(rsm)) ?? '')).toBe(answer)
  })
})

describe('no stanza of ours is over 60 KiB', () => {
  const nodesOf = ['disco#items', 'own affiliations']

  test.each([
    ['250 quotes', (i: number) => `${i}`.padStart(5, "'").padStart(250, "'"), 128],
    ['1,023 quotes, of earlier versions', (i: number) => `${i}`.padStart(1023, "'"), 40],
    ['85 three-byte characters', (i: number) => `${i}`.padStart(85, '本'), 120],
  ])('lists of nodes with names of %s: 48 KiB a page, and every node comes once', async (_, name, count) => {
    await using app = await withEntries(count, name)
    for (const list of nodesOf) {
      const forwards: string[] = []
      for (let after = ''; ; ) {
        const next = await page(app, list, set(after === '' ? '' : `<after>${escaped(after)}</after>`))
        expect(next.bytes).toBeLessThan(48 * 1024 + 500)
        if (next.entries.length === 0) break
        expect(next.index).toBe(`${forwards.length}`)
        forwards.push(...next.entries)
        after = next.last ?? ''
      }
      expect(new Set(forwards).size).toBe(count + 1)
      const lastPage = await page(app, list, set('<before/>'))
      expect(lastPage.entries).toEqual(forwards.slice(-lastPage.entries.length))
      expect(lastPage.index).toBe(`${count + 1 - lastPage.entries.length}`)
      expect(lastPage.bytes).toBeLessThan(48 * 1024 + 500)
    }
  })

  test('affiliations of a node of earlier versions, with 100 long JIDs', async () => {
    await using app = await withEntries(99, (i) => `${i}`.padStart(1000, 'j'))
    const first = await page(app, 'affiliations of a node')
    expect(first.bytes).toBeLessThan(48 * 1024 + 500)
    expect(first).toMatchObject({ index: '0', count: '100' })
    expect(first.entries.length).toBeGreaterThan(20)
  })

  test('with long addresses and a long id a page is shorter, and an id that leaves no room is an error', async () => {
    await using app = await withEntries(128, (i) => `${i}`.padStart(250, "'"))
    const ask = (idQuotes: number) =>
      app.answerText(
        `<iq from='${bare(alice)}/${escaped(quotes(1000))}' to='${pubsubHost}/${escaped(quotes(1000))}' ` +
          `id='${escaped(quotes(idQuotes))}' type='get'>${lists['disco#items']?.ask('')}</iq>`,
      )
    const short = await ask(3000)
    expect(summaryOfAnswer(parseStanza(short))).toBe('result')
    expect(Buffer.byteLength(short)).toBeLessThan(60 * 1024)
    expect(parseStanza(short).firstChild()?.elements('item').length).toBeGreaterThan(10)
    expect(summaryOfAnswer(parseStanza(await ask(7700)))).toBe('modify/not-acceptable')
  })

  test('a list for a node’s name that is longer than any is item-not-found, and repeats nothing of it', async () => {
    await using app = await startAppServer()
    const ask = pubsub(`<affiliations node='${escaped(quotes(8000))}'/>`)
    const text = await app.answerText(`<iq from='${alice}' to='${pubsubHost}' id='1' type='get'>${ask}</iq>`)
    expect(summaryOfAnswer(parseStanza(text))).toBe('cancel/item-not-found')
    expect(text.length).toBeLessThan(500)
  })
})

test('what others name a user in makes the list of the user’s own nodes no longer', async () => {
  await using app = await withEntries(1, (i) => `n${i}`)
  const affiliations = { 'bob@chat.test': 'owner', 'alice@chat.test': 'publisher' } as const
  const record = nodeRecord('bob@chat.test', { affiliations })
  const made = Array.from({ length: 1500 }, (_, i) =>
    app.nodes.create(pubsubHost, `other${i}`, record, noLimits),
  )
  await Promise.all(made)
  expect(await page(app, 'disco#items')).toMatchObject({ entries: ['listed', 'n0'], count: '2' })
  const own = await page(app, 'own affiliations')
  // Longer than is counted: XEP-0059 lets both be left out.
  expect(own).toMatchObject({ index: undefined, count: undefined })
  expect(own.entries).toHaveLength(100)
  expect((await page(app, 'disco#items', '', bob)).entries).toHaveLength(100)
})

function bare(jid: string): string {
  return jid.replace(/\/.*/, '')
}
