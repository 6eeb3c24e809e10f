import { expect, test } from 'vitest'
import { Liveness } from '../../../src/main/xmpp/liveness.ts'

const limits = { intervalMs: 15_000, timeoutMs: 10_000 }
const ping = { action: 'ping', nextMs: 2_500 }
const rest = { action: 'wait', nextMs: 15_000 }
const dead = { action: 'dead' }

/** The next steps, each after `between`. */
function steps(liveness: Liveness, count: number, between: () => void = () => {}): unknown[] {
  return Array.from({ length: count }, () => {
    const step = liveness.step()
    between()
    return step
  })
}

test('without an answer the stream is dead one deadline after the first ping', () => {
  const liveness = new Liveness(limits)
  expect(liveness.firstMs).toBe(15_000)
  expect(steps(liveness, 5)).toEqual([ping, ping, ping, ping, dead])
})

test('an answer to any of the pings starts the next interval', () => {
  const liveness = new Liveness(limits)
  expect(steps(liveness, 2)).toEqual([ping, ping])
  liveness.answered()
  expect(steps(liveness, 6)).toEqual([rest, ping, ping, ping, ping, dead])
})

test('bytes that come in put the deadline off', () => {
  const liveness = new Liveness(limits)
  steps(liveness, 4)
  liveness.heard()
  expect(steps(liveness, 5)).toEqual([ping, ping, ping, ping, dead])
})

test('bytes that come in put it off four times at most', () => {
  const liveness = new Liveness(limits)
  const all = steps(liveness, 17, () => liveness.heard())
  expect(all.slice(0, 16)).toEqual(Array(16).fill(ping))
  expect(all[16]).toEqual(dead)
})

test('what the server has still to read before the ping puts the deadline off by that', () => {
  const liveness = new Liveness(limits)
  const delayed = Array.from({ length: 8 }, () => liveness.step(5_001))
  expect(delayed).toEqual([...Array(7).fill(ping), dead])
})

test('a stream that is not read by our own doing is never dead', () => {
  const liveness = new Liveness(limits)
  steps(liveness, 4)
  liveness.excused()
  expect(steps(liveness, 2)).toEqual([rest, ping])
})
