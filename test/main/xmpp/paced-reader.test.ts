import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PacedReader } from '../../../src/main/xmpp/paced-reader.ts'
import { until } from '../../support/until.ts'

/** A reader at one end of a real connection. */
class Connected implements AsyncDisposable {
  readonly peer: Socket
  readonly socket: Socket
  readonly reader: PacedReader
  readonly slices: Buffer[] = []
  onSlice: () => void = () => undefined
  readonly #close: () => void

  private constructor(peer: Socket, socket: Socket, close: () => void) {
    this.peer = peer
    this.socket = socket
    this.#close = close
    this.reader = new PacedReader(socket, (bytes) => {
      this.slices.push(Buffer.from(bytes))
      this.onSlice()
    })
  }

  static async open(): Promise<Connected> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [peer] = (await once(server, 'connection')) as [Socket]
    return new Connected(peer, socket, () => server.close())
  }

  get bytes(): number {
    return this.slices.reduce((sum, { length }) => sum + length, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    this.peer.destroy()
    this.#close()
  }
}

function numbered(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7) % 251))
}

test('what comes is handed on whole and in order, however it comes and whenever it is paused', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 200_000 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 5 }),
      async (lengths, pauseEvery) => {
        await using connected = await Connected.open()
        let taken = 0
        connected.onSlice = () => {
          if (++taken % pauseEvery !== 0) return
          connected.reader.pause()
          setImmediate(() => connected.reader.resume())
        }
        const sent = lengths.map(numbered)
        for (const bytes of sent) connected.peer.write(bytes)
        connected.peer.end()
        connected.socket.once('end', () => connected.reader.finish())
        await once(connected.socket, 'close')
        expect(Buffer.concat(connected.slices).equals(Buffer.concat(sent))).toBe(true)
      },
    ),
    { numRuns: 30 },
  )
})

test('between two slices of a stream that sends much there is a turn for all others', async () => {
  await using connected = await Connected.open()
  let turns = 0
  let lastTurn = -1
  let counting = true
  const count = (): void => {
    turns++
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  const sameTurn: number[] = []
  connected.onSlice = () => {
    const length = connected.slices.at(-1)?.length ?? 0
    if (turns === lastTurn) sameTurn.push(length)
    lastTurn = length >= 16_384 ? turns : -1
  }
  connected.peer.write(numbered(2_000_000))
  await until('all is read', () => connected.bytes === 2_000_000)
  counting = false
  expect(Math.max(...connected.slices.map(({ length }) => length))).toBe(16_384)
  expect(sameTurn).toEqual([])
})

test('a pause holds from the next slice on', async () => {
  await using connected = await Connected.open()
  connected.onSlice = () => connected.reader.pause()
  connected.peer.write(numbered(60_000))
  await until('the first slice', () => connected.slices.length > 0)
  for (let i = 0; i < 20; i++) await nextTurn()
  expect(connected.slices).toHaveLength(1)
  connected.onSlice = () => undefined
  connected.reader.resume()
  await until('all is read', () => connected.bytes === 60_000)
})

test('what is left when the other end has gone is handed on at once', async () => {
  await using connected = await Connected.open()
  connected.onSlice = () => connected.reader.pause()
  connected.peer.write(numbered(60_000))
  await until('the first slice', () => connected.slices.length > 0)
  connected.reader.finish()
  const before = connected.bytes
  expect(before).toBeGreaterThan(16_384)
  connected.reader.finish()
  expect(connected.bytes, 'once').toBe(before)
})
