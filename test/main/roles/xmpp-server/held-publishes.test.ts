import { expect, test } from 'vitest'
import {
  carol,
  component,
  startXmppServer,
  virtualHost,
  type XmppServerAtWork,
} from './xmpp-server-at-work.ts'

const told = (id: string) =>
  `<message from='chat.test' to='${component}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' id='${id}' to='carol@chat.test' from='alice@chat.test/x' type='chat'><body>${id}</body></message></forwarded></message>`

async function crowded(room: number): Promise<XmppServerAtWork> {
  const work = await startXmppServer()
  for (const node of ['a', 'b']) await work.enable(carol, virtualHost, node)
  work.room = room
  return work
}

/** What was pushed: text and node. */
function pushed(work: XmppServerAtWork): string[] {
  return work.here.map(({ node, summary }) => `${summary.get('last-message-body')} ${node}`)
}

/** There is room again; whether the streams are read then. */
async function release(work: XmppServerAtWork, room: number): Promise<boolean> {
  work.room = room
  let goesOn = false
  work.server.release(component, () => {
    goesOn = true
  })
  await new Promise(setImmediate)
  return goesOn
}

test('what was told of over XMPP waits for room, in its order, before more is read', async () => {
  await using work = await crowded(3)
  for (const id of ['m1', 'm2', 'm3']) work.verdict(told(id))
  expect(pushed(work)).toEqual(['m1 a', 'm1 b', 'm2 a'])
  expect(await release(work, 2)).toBe(false)
  expect(pushed(work).slice(3)).toEqual(['m2 b', 'm3 a'])
  expect(await release(work, 10)).toBe(true)
  expect(pushed(work).slice(5)).toEqual(['m3 b'])
  await work.settled()
  expect(await work.count('events_total', 'source="forwarded",result="notified"')).toBe(3)
})

test('what is told of while others wait comes behind them', async () => {
  await using work = await crowded(0)
  work.verdict(told('m1'))
  work.room = 10
  work.verdict(told('m2'))
  expect(pushed(work)).toEqual([])
  expect(await release(work, 10)).toBe(true)
  expect(pushed(work)).toEqual(['m1 a', 'm1 b', 'm2 a', 'm2 b'])
})

test('streams that are held back again by what had waited are not read', async () => {
  await using work = await crowded(0)
  work.verdict(told('m1'))
  expect(await release(work, 2)).toBe(false)
  expect(pushed(work)).toHaveLength(2)
  expect(await release(work, 1)).toBe(true)
})

test('what is told of over HTTP does not wait: its source can come again', async () => {
  await using work = await crowded(0)
  expect(await work.event()).toBe(2)
})

test('at a stop what had waited goes out', async () => {
  await using work = await crowded(0)
  work.verdict(told('m1'))
  await work.server.stop()
  expect(pushed(work)).toEqual(['m1 a', 'm1 b'])
})

test('no more than 10 000 wait', async () => {
  await using work = await crowded(0)
  for (let i = 0; i < 5_000; i++) work.verdict(told(`m${i}`))
  expect(pushed(work)).toEqual([])
  work.verdict(told('one too many'))
  expect(pushed(work)).toEqual(['one too many a', 'one too many b'])
})
