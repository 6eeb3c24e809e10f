import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DomainLoad } from '../../../src/main/dispatch/domain-loads.ts'
import { PendingPush } from '../../../src/main/dispatch/pending-push.ts'
import { SenderLoads } from '../../../src/main/dispatch/senders.ts'
import { ServiceQueue } from '../../../src/main/dispatch/service-queue.ts'
import type { Offered } from '../../../src/main/dispatch/turns.ts'
import { notificationTo } from './notifications.ts'

interface Put {
  readonly domain?: number
  readonly sender?: number
  readonly again?: boolean
  readonly stored?: boolean
}

function queued() {
  const queue = new ServiceQueue(0, 'fcm')
  const loads = ['a', 'b', 'c'].map((name, index) => new DomainLoad(name, index, 1))
  let count = 0
  function put({ domain = 0, sender = 0, again = false, stored = false }: Put = {}): PendingPush {
    const load = loads[domain]
    if (load === undefined) throw new Error('no such domain')
    const sink = stored ? undefined : { settle: () => undefined }
    const notification = notificationTo(`${load.name}${count++}`)
    const push = new PendingPush(notification, sink, queue.laneOf(load), sender, 1_000)
    if (stored) push.storedId = push.notification.device.id
    else load.senders.accepted(sender, 1)
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
  const order = drain((push) => (push.lane.load.name === 'a' ? 'no-room-for-domain' : 'gone'))
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

describe('senders take turns within their domain', () => {
  /** So many of one sender, of which the first four are no crowd, then those of others, in turn. */
  function crowdAnd(crowd: number, ...others: readonly number[]) {
    const at = queued()
    for (let i = 0; i < crowd; i++) at.put({ sender: 1 })
    for (const sender of others) at.put({ sender })
    return at
  }

  test('behind any number of one sender’s pushes another’s is among the next to go', () => {
    for (const crowd of [100, 20_000]) {
      const { drain } = crowdAnd(crowd, 2)
      expect(drain().indexOf(`a${crowd}`)).toBe(8)
    }
  })

  test('a crowd and another sender go in turn', () => {
    const { drain } = crowdAnd(8, 2, 2, 2)
    expect(drain()).toEqual(['a0', 'a4', 'a1', 'a5', 'a2', 'a6', 'a3', 'a7', 'a8', 'a9', 'a10'])
    const { drain: drainMore } = crowdAnd(11, 2, 2, 2)
    expect(drainMore().slice(8)).toEqual(['a11', 'a8', 'a12', 'a9', 'a13', 'a10'])
  })

  test('crowds go in turn', () => {
    const { drain } = crowdAnd(7, ...Array.from({ length: 7 }, () => 2))
    const order = drain()
    const [first, second] = [
      ['a4', 'a5', 'a6'],
      ['a11', 'a12', 'a13'],
    ]
    const places = (ids: string[]) => ids.map((id) => order.indexOf(id))
    for (const [i, place] of places(first).entries()) {
      expect(Math.abs(place - (places(second)[i] ?? 0)), 'beside one another').toBeLessThan(4)
    }
  })

  test('of many senders a crowd has two turns while each other has one', () => {
    const { drain } = crowdAnd(7, 2, 3, 4, 2, 3, 4)
    expect(drain()).toEqual([
      ...['a0', 'a1', 'a4', 'a2', 'a3', 'a5'],
      ...['a7', 'a8', 'a6', 'a9', 'a10', 'a11', 'a12'],
    ])
  })

  test('senders that became crowds by chance get rid of their lines at a full machine', () => {
    const { queue, put } = queued()
    const waiting = new Map<number, number>()
    const add = (sender: number) => {
      put({ sender })
      waiting.set(sender, (waiting.get(sender) ?? 0) + 1)
    }
    const send = (push: PendingPush): Offered => {
      push.rest()
      push.lane.load.senders.settled(push.sender, 1)
      waiting.set(push.sender, (waiting.get(push.sender) ?? 0) - 1)
      return 'gone'
    }
    const senders = Array.from({ length: 128 }, (_, i) => i)
    for (const sender of senders) add(sender)
    for (const crowd of [1, 2, 3]) for (let i = 0; i < 100; i++) add(crowd)
    // As many come in as go out, of each sender as many.
    for (let round = 0; round < 500; round++) {
      for (const sender of senders) {
        queue.offer(send)
        add(sender)
      }
    }
    for (const crowd of [1, 2, 3]) expect(waiting.get(crowd)).toBeLessThan(20)
  })

  test('many senders with as many each go in the order of coming', () => {
    const { put, drain } = queued()
    for (let i = 0; i < 1_280; i++) put({ sender: i % 128 })
    expect(drain()).toEqual(Array.from({ length: 1_280 }, (_, i) => `a${i}`))
  })

  test('a domain with many senders has no more turns than one with a single sender', () => {
    const { put, drain } = queued()
    for (let i = 0; i < 3; i++) put({ domain: 0, sender: i })
    for (let i = 0; i < 3; i++) put({ domain: 1, sender: 0 })
    expect(drain()).toEqual(['a0', 'b3', 'a1', 'b4', 'a2', 'b5'])
  })

  test('behind a flood in the names of many another waits for the first of them alone', () => {
    const { put, drain } = queued()
    const [names, each] = [50, 200]
    for (let i = 0; i < names * each; i++) put({ sender: 1 + (i % names) })
    put({ sender: 100 })
    const place = drain().indexOf(`a${names * each}`)
    expect(place).toBeLessThan(2 * names * 65)
  })

  test('a sender without room is passed over, and its domain is not', () => {
    const { queue, put, drain } = queued()
    for (let i = 0; i < 6; i++) put({ sender: 1 })
    put({ sender: 2 })
    put({ domain: 1, sender: 1 })
    const full = (push: PendingPush) => push.sender === 1 && push.lane.load.name === 'a'
    expect(drain((push) => (full(push) ? 'no-room-for-sender' : 'gone'))).toEqual(['a6', 'b7'])
    expect(queue.length).toBe(6)
    expect(drain().sort()).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5'])
  })
})

describe('a sender is a crowd', () => {
  test.each([
    ['with more than four pushes pending, alone', 5, [], true],
    ['not with four', 4, [], false],
    ['with more than one in 32 of its domain’s', 41, [1_240], true],
    ['not with less', 39, [1_240], false],
    ['with more than 64, however many others have as many', 65, Array(100).fill(65), true],
    ['not with 64 of many', 64, Array(100).fill(64), false],
  ])('%s', (_, own, others, isCrowd) => {
    const senders = new SenderLoads(1)
    for (let i = 0; i < own; i++) senders.accepted(0, 1)
    for (const [sender, count] of others.entries()) {
      for (let i = 0; i < count; i++) senders.accepted(sender + 1, 1)
    }
    expect(senders.isCrowd(0)).toBe(isCrowd)
    for (let i = 0; i < own; i++) senders.settled(0, 1)
    expect(senders.isCrowd(0)).toBe(false)
  })
})
