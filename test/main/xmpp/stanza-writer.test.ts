import { once } from 'node:events'
import { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { StanzaWriter } from '../../../src/main/xmpp/stanza-writer.ts'

/** A peer that keeps each write apart, and takes them only while `accepting`. */
class Recorder extends Writable {
  readonly writes: string[] = []
  accepting = true
  #taken: (() => void) | undefined

  constructor() {
    super({ decodeStrings: false })
  }

  override _write(chunk: string, _encoding: string, taken: () => void): void {
    this.writes.push(chunk)
    this.#taken = taken
    if (this.accepting) this.accept()
  }

  /** Takes what is being written. */
  accept(): void {
    this.#taken?.()
    this.#taken = undefined
  }
}

test('what one turn of the event loop sends goes out in one write, in order', async () => {
  const peer = new Recorder()
  const writer = new StanzaWriter(peer, 1_000_000)
  const stanzas = Array.from({ length: 2000 }, (_, i) => `<iq id='${i}'/>`)
  for (const stanza of stanzas) writer.send(stanza)
  process.nextTick(() => writer.send('<tick/>'))
  expect(peer.writes).toEqual([])
  await nextTurn()
  expect(peer.writes).toHaveLength(1)
  expect(peer.writes[0] === `${stanzas.join('')}<tick/>`).toBe(true)
  writer.send('<next/>')
  await nextTurn()
  expect(peer.writes.slice(1)).toEqual(['<next/>'])
})

test('its end writes what is queued and a farewell at once, also behind a write that is under way', async () => {
  const peer = new Recorder()
  const writer = new StanzaWriter(peer, 1_000_000)
  writer.send('<a/>')
  await nextTurn()
  writer.send('<b/>')
  writer.end('</end>')
  expect(peer.writes).toEqual(['<a/>', '<b/></end>'])
  await nextTurn()
  expect(peer.writes).toEqual(['<a/>', '<b/></end>'])
})

test('one write at a time is under way: what is sent meanwhile follows in one when that ends', async () => {
  const peer = new Recorder()
  peer.accepting = false
  const writer = new StanzaWriter(peer, 1_000)
  for (const stanza of ['<a/>', '<b/>', '<c/>']) {
    writer.send(stanza)
    await nextTurn()
  }
  expect(peer.writes).toEqual(['<a/>'])
  peer.accept()
  await nextTurn()
  expect(peer.writes).toEqual(['<a/>', '<b/><c/>'])
})

test('what is unsent is the end of the write under way that was not taken, and all that is queued', async () => {
  const peer = new Recorder()
  peer.accepting = false
  const writer = new StanzaWriter(peer, 1_000)
  writer.send('<ä/>')
  await nextTurn()
  writer.send('<b/>')
  expect(writer.takeUnsent(100)).toBeUndefined()
  expect(writer.takeUnsent(3)?.toString('latin1')).toBe('\u00a4/><b/>')
  await nextTurn()
  peer.accept()
  expect(peer.writes).toEqual(['<ä/>'])
})

test('what an earlier writer had unsent goes out before all else', async () => {
  const peer = new Recorder()
  const writer = new StanzaWriter(peer, 1_000)
  writer.resume(Buffer.from('rest/>'))
  writer.send('<b/>')
  await nextTurn()
  expect(peer.writes.map(String)).toEqual(['rest/>', '<b/>'])
})

test('what is queued and what the peer has not taken are bounded together', async () => {
  const peer = new Recorder()
  peer.accepting = false
  const writer = new StanzaWriter(peer, 20)
  expect(writer.send('<ten-bytes')).toBe(true)
  await nextTurn()
  expect(writer.send('<six/>')).toBe(true)
  expect(writer.send('<six/>')).toBe(false)
  expect(writer.send('<4b>')).toBe(true)
  await nextTurn()
  expect(writer.send('.')).toBe(false)
})

test('nothing is written to a socket that is gone', async () => {
  const peer = new Recorder()
  const writer = new StanzaWriter(peer, 20)
  writer.send('<a/>')
  peer.destroy()
  await once(peer, 'close')
  await nextTurn()
  expect(peer.writes).toEqual([])
})

test('answers to queries are held up to half of the bound, the others up to all of it', async () => {
  const peer = new Recorder()
  peer.accepting = false
  const writer = new StanzaWriter(peer, 20)
  expect(writer.sendQueryAnswer('<ten-bytes', undefined)).toBe(true)
  expect(writer.sendQueryAnswer('.', undefined)).toBe(false)
  expect(writer.send('<ten-bytes')).toBe(true)
  expect(writer.send('.')).toBe(false)
})

test('who asked for it is told when the answer was written, and when it never will be', async () => {
  const peer = new Recorder()
  peer.accepting = false
  const writer = new StanzaWriter(peer, 1_000)
  const written: string[] = []
  writer.send('<other/>')
  writer.sendQueryAnswer('<a/>', () => written.push('a'))
  writer.sendQueryAnswer('<b/>', () => written.push('b'))
  await nextTurn()
  expect(peer.writes).toEqual(['<other/><a/><b/>'])
  writer.sendQueryAnswer('<c/>', () => written.push('c'))
  await nextTurn()
  expect(written).toEqual([])
  writer.sendQueryAnswer('<d/>', () => written.push('d'))
  peer.destroy()
  await once(peer, 'close')
  await nextTurn()
  expect(written.toSorted()).toEqual(['a', 'b', 'c', 'd'])
})
