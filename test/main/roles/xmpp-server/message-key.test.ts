import { describe, expect, test } from 'vitest'
import { messageXml, pushes, pushesOf, subscribed, user, ways, work } from './told-messages.ts'

function stanzaId(by: string, id: string): string {
  return `<stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='${id}'/>`
}

describe('the same id is the same message only with the same body', () => {
  const body = (text: string, more = '') => messageXml(`<body>${text}</body>${more}`, { id: '1' })

  test.each(ways)(
    'three messages with one id and three bodies are three pushes, told of in %s',
    async (_, tell) => {
      await subscribed()
      const told = [body('one'), body('two'), body('three'), body('one'), body('two')]
      expect(await pushes(tell, ...told)).toHaveLength(3)
    },
  )

  test('so they are over HTTP, where the text stands beside the id', async () => {
    await subscribed()
    for (const text of ['one', 'two', 'three', 'one']) await work.event({ to: user, id: '1', body: text })
    expect(work.here).toHaveLength(3)
  })

  test('the same text in another type is another message', async () => {
    await subscribed()
    expect(await work.event({ to: user, id: '1', type: 'chat' })).toBe(1)
    expect(await work.event({ to: user, id: '1', type: 'normal' })).toBe(1)
    expect(await work.event({ to: user, id: '1', type: 'normal' })).toBe(0)
  })

  test('encrypted messages with one id are told apart by what is encrypted', async () => {
    const omemo = (payload: string) =>
      messageXml(`<encrypted xmlns='urn:xmpp:omemo:2'><header/><payload>${payload}</payload></encrypted>`)
    expect(await pushesOf({}, omemo('AAAA'), omemo('BBBB'), omemo('AAAA'))).toHaveLength(2)
  })

  test.each([
    ['the user’s bare JID', 'carol@chat.test', 'chat', 'alice@chat.test/phone'],
    ['the user’s domain', 'chat.test', 'chat', 'alice@chat.test/phone'],
    ['the room', 'room@muc.test', 'groupchat', 'room@muc.test/nick'],
  ])('a stanza-id by %s counts in place of the id and the body', async (_, by, type, from) => {
    const told = (text: string, id: string, sid: string) =>
      messageXml(`<body>${text}</body>${stanzaId(by, sid)}`, { id, type, from })
    const all = [told('one', '1', 'a'), told('one', '1', 'b'), told('edited on the way', '2', 'a')]
    expect(await pushesOf({}, ...all)).toHaveLength(2)
  })

  test.each([
    ['the sender', 'alice@chat.test'],
    ['another host', 'elsewhere.test'],
    ['a room that it is not of', 'room@muc.test'],
    ['nobody', ''],
  ])('a stanza-id by %s does not count', async (_, by) => {
    const all = [
      body('one', stanzaId(by, 'a')),
      body('two', stanzaId(by, 'a')),
      body('one', stanzaId(by, 'b')),
    ]
    expect(await pushesOf({}, ...all)).toHaveLength(2)
  })

  test('a message with a stanza-id alone is known again, one with neither is not', async () => {
    const told = (more: string) => messageXml(`<body>one</body>${more}`, { id: '' })
    expect(
      await pushesOf({}, told(stanzaId('chat.test', 'a')), told(stanzaId('chat.test', 'a'))),
    ).toHaveLength(1)
    expect(await pushesOf({}, told(''), told(''))).toHaveLength(2)
  })
})
