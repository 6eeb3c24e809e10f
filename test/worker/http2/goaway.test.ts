import { constants } from 'node:http2'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApnsSandbox, startApnsSandbox } from '../../../src/sandbox/providers/apns.ts'
import { PoolAtWork } from './pool-at-work.ts'

let apns: ApnsSandbox

beforeEach(async () => {
  apns = await startApnsSandbox()
})
afterEach(async () => {
  await apns.close()
})

/** Devices that the provider has pushed to, each as often as it has. */
function processed(): string[] {
  return apns.requests.filter((request) => request.processed).map(({ deviceId }) => deviceId)
}

/** One push that has gone over a connection, and further ones held there. */
async function midStream(work: PoolAtWork, ...devices: readonly string[]): Promise<void> {
  await work.only('first')
  apns.hold()
  work.push(...devices)
  await apns.next(devices.length + 1)
}

const codes = [
  ['NO_ERROR', constants.NGHTTP2_NO_ERROR],
  ['ENHANCE_YOUR_CALM', constants.NGHTTP2_ENHANCE_YOUR_CALM],
  ['REFUSED_STREAM', constants.NGHTTP2_REFUSED_STREAM],
] as const

test.each(codes)(
  'GOAWAY %s: streams above the last one are sent again on a new connection',
  async (_, code) => {
    await using work = PoolAtWork.to(apns)
    await midStream(work, 'a', 'b', 'c')
    apns.goAway('answered', code)
    await apns.until('the three come again', () => apns.held === 3)
    work.push('d')
    apns.release()
    await work.toldOf(5)
    expect(work.summary).toEqual({ first: 200, a: 200, b: 200, c: 200, d: 200 })
    expect(processed().sort()).toEqual(['a', 'b', 'c', 'd', 'first'])
    expect(apns.connectionsMade).toBe(2)
  },
)

test.each(codes)('GOAWAY %s: streams up to the last one wait for their answers', async (_, code) => {
  await using work = PoolAtWork.to(apns)
  await midStream(work, 'a', 'b')
  apns.goAway('all', code)
  work.push('c')
  await apns.until('the third comes', () => apns.held === 3)
  apns.release()
  await work.toldOf(4)
  expect(work.summary).toEqual({ first: 200, a: 200, b: 200, c: 200 })
  expect(processed()).toEqual(['first', 'a', 'b', 'c'])
  expect(apns.requests.map(({ connection }) => connection)).toEqual([0, 0, 0, 1])
  await apns.until('the connection left behind is closed', () => apns.connections === 1)
})

test('GOAWAY on a full connection: what waits goes to a new one at once', async () => {
  await using work = PoolAtWork.to(apns)
  apns.setMaxStreams(2)
  await midStream(work, 'a', 'b')
  work.push('c')
  apns.goAway('all')
  await apns.until('it is there beside the others', () => apns.held === 3)
  expect(apns.requests.map(({ connection }) => connection)).toEqual([0, 0, 0, 1])
  apns.release()
  await work.toldOf(4)
})

test('GOAWAY on a connection with nothing on it: the next push goes to a new one', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('a')
  apns.goAway('all')
  await apns.until('the connection is closed', () => apns.connections === 0)
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(apns.connectionsMade).toBe(2)
})

test('two GOAWAYs, the first of which leaves the last stream open: what the second leaves out is sent again', async () => {
  await using work = PoolAtWork.to(apns)
  await midStream(work, 'a', 'b')
  apns.goAway('all')
  apns.goAway('answered')
  await apns.until('both come again', () => apns.held === 2)
  apns.release()
  await work.toldOf(3)
  expect(work.summary).toEqual({ first: 200, a: 200, b: 200 })
  expect(processed().sort()).toEqual(['a', 'b', 'first'])
})

test.each(codes)('GOAWAY %s, and the end under what was processed: it is in doubt', async (_, code) => {
  await using work = PoolAtWork.to(apns)
  await midStream(work, 'cut-a', 'b')
  apns.goAway('all', code)
  apns.release()
  await work.toldOf(3)
  expect(work.summary).toEqual({ first: 200, 'cut-a': 'connection_lost', b: 'connection_lost' })
})

test('GOAWAY on every new connection: a push ends as not processed, and the next one finds the way when there is one', async () => {
  await using work = PoolAtWork.to(apns)
  apns.goAwayAtOnce = true
  expect(await work.only('a')).toMatchObject({ cause: 'not_processed' })
  expect(processed()).toEqual([])
  apns.goAwayAtOnce = false
  expect(await work.only('b')).toMatchObject({ status: 200 })
})

test('a server that says GOAWAY over and over under load: each push arrives, once', async () => {
  await using work = PoolAtWork.to(apns, { connections: 2, requestTimeoutMs: 30_000 })
  await work.only('first')
  const devices = Array.from({ length: 1000 }, (_, i) => `d${i}`)
  apns.setMaxStreams(20)
  let next = 50
  apns.answerWith(() => {
    if (apns.total >= next) {
      next += 100
      setImmediate(() => apns.goAway(next % 200 === 50 ? 'all' : 'answered'))
    }
    return undefined
  })
  let told = 1
  for (let waiting = devices; waiting.length > 0; told = work.told.length) {
    work.push(...waiting)
    await work.toldOf(told + waiting.length)
    // One that had no luck on several connections is safe to be sent again.
    const unlucky = work.told.slice(told).filter(({ cause }) => cause === 'not_processed')
    waiting = unlucky.map(({ device }) => device)
  }
  expect(work.told.filter(({ status }) => status === 200)).toHaveLength(1001)
  expect(work.told.every(({ status, cause }) => status === 200 || cause === 'not_processed')).toBe(true)
  expect(processed().sort()).toEqual(['first', ...devices].sort())
  expect(apns.connectionsMade).toBeGreaterThan(2)
  expect(apns.breaches).toEqual([])
})
