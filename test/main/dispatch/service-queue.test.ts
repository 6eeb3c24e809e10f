import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DomainLoad } from '../../../src/main/dispatch/domain-loads.ts'
import { PendingPush } from '../../../src/main/dispatch/pending-push.ts'
import { ServiceQueue } from '../../../src/main/dispatch/service-queue.ts'
import type { Offered } from '../../../src/main/dispatch/turns.ts'
import { notificationTo } from './notifications.ts'

const loads = ['a', 'b', 'c'].map((name, index) => new DomainLoad(name, index, 1))

interface Put {
  readonly domain?: number
  readonly again?: boolean
  readonly stored?: boolean
}

function queued() {
  const queue = new ServiceQueue(0, 'fcm')
  let count = 0
  function put({ domain = 0, again = false, stored = false }: Put = {}): PendingPush {
    const load = loads[domain]
    if (load === undefined) throw new Error('no such domain')
    const sink = stored ? undefined : { settle: () => undefined }
    const push = new PendingPush(notificationTo(`${load.name}${count++}`), sink, queue.laneOf(load), 1_000)
    if (stored) push.storedId = push.notification.device.id
    if (again) push.attempts = 1
    queue.put(push, 0)
    return push
  }
  /** All that go, in order. */
  function drain(offer: (push: PendingPush) => Offered = () => 'gone'): string[] {
    const order: string[] = []
    const send = (push: PendingPush) => {
      const offered = offer(push)
      if (offered === 'gone') {
        order.push(push.notification.device.id)
        push.rest()
      }
      return offered
    }
    while (queue.offer(send));
    return order
  }
  return { queue, put, drain }
}

test('of one domain those to be tried again go first, then in the order of coming', () => {
  const { put, drain } = queued()
  for (const again of [false, true, false, true]) put({ again })
  expect(drain()).toEqual(['a1', 'a3', 'a0', 'a2'])
})

test('domains take turns', () => {
  const { put, drain } = queued()
  for (let i = 0; i < 4; i++) put({ domain: 0 })
  for (let i = 0; i < 2; i++) put({ domain: 1, again: true })
  put({ domain: 2 })
  expect(drain()).toEqual(['a0', 'b4', 'c6', 'a1', 'b5', 'a2', 'a3'])
})

test('the stored go last, but for one turn in ten; domains take turns in them, too', () => {
  const { put, drain } = queued()
  for (let i = 0; i < 3; i++) put({ stored: true })
  put({ domain: 1, stored: true })
  for (let i = 0; i < 20; i++) put()
  const order = drain()
  expect(order[10]).toBe('a0')
  expect(order[21]).toBe('b3')
  expect(order.slice(-2)).toEqual(['a1', 'a2'])
})

test('a domain without room is passed over, also by what is stored', () => {
  const { queue, put, drain } = queued()
  put({ domain: 0 })
  put({ domain: 1 })
  put({ domain: 2, stored: true })
  const order = drain((push) => (push.lane.load === loads[0] ? 'no-room-for-domain' : 'gone'))
  expect(order).toEqual(['b1', 'c2'])
  expect(queue.length).toBe(1)
  expect(drain()).toEqual(['a0'])
})

test('without room for any nothing goes, and nothing loses its turn', () => {
  const { put, drain } = queued()
  put({ domain: 0 })
  put({ domain: 1 })
  expect(drain(() => 'no-room')).toEqual([])
  expect(drain()).toEqual(['a0', 'b1'])
})

test('whatever is put in and taken out, between two turns of a domain every other one that waits has one', () => {
  const put = fc.record({ domain: fc.nat({ max: 2 }), again: fc.boolean(), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(put, { maxLength: 80 }), (puts) => {
      const { queue, put: add, drain } = queued()
      const left = new Map<string, number>()
      for (const { domain, again, leaves } of puts) {
        const push = add({ domain, again })
        const name = push.lane.load.name
        if (leaves) push.rest()
        else left.set(name, (left.get(name) ?? 0) + 1)
      }
      const total = [...left.values()].reduce((sum, count) => sum + count, 0)
      expect(queue.length).toBe(total)
      const order = drain().map((id) => id.charAt(0))
      expect(order).toHaveLength(total)
      let round: string[] = []
      for (const name of order) {
        if (round.includes(name)) {
          for (const [other, count] of left) if (count > 0) expect(round).toContain(other)
          round = []
        }
        round.push(name)
        left.set(name, (left.get(name) ?? 0) - 1)
      }
    }),
  )
})
