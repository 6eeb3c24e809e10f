import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Inflight } from '../../../src/main/dispatch/inflight.ts'

interface Request {
  readonly name: number
}

describe('what is in flight', () => {
  it('is taken once, by its id', () => {
    const inflight = new Inflight<Request>(4)
    const request = { name: 1 }
    const id = inflight.add(request)
    expect(inflight.take(id)).toBe(request)
    expect(inflight.take(id)).toBeUndefined()
  })

  it('is not found by the id of an earlier one that had its place', () => {
    const inflight = new Inflight<Request>(1)
    const first = inflight.add({ name: 0 })
    inflight.take(first)
    for (let name = 1; name < 10; name++) {
      const id = inflight.add({ name })
      expect(inflight.take(first)).toBeUndefined()
      expect(inflight.take(id)).toEqual({ name })
    }
  })

  it('can be given back as a whole', () => {
    const inflight = new Inflight<Request>(4)
    const ids = [0, 1, 2].map((name) => inflight.add({ name }))
    inflight.take(ids[1] ?? 0)
    expect(new Set(inflight.takeAll())).toEqual(new Set([{ name: 0 }, { name: 2 }]))
    expect(inflight.size).toBe(0)
    expect(inflight.takeAll()).toEqual([])
    expect(ids.map((id) => inflight.take(id))).toEqual([undefined, undefined, undefined])
  })

  it('is as in a map, whatever the order of answers', () => {
    const step = fc.oneof(fc.constant('add' as const), fc.nat(), fc.constant('unknown' as const))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 300 }), (capacity, steps) => {
        const inflight = new Inflight<Request>(capacity)
        const model = new Map<number, Request>()
        let name = 0
        for (const action of steps) {
          if (action === 'add') {
            if (model.size === capacity) continue
            const request = { name: name++ }
            const id = inflight.add(request)
            expect(model.has(id)).toBe(false)
            model.set(id, request)
          } else if (action === 'unknown') {
            expect(inflight.take(-1)).toBeUndefined()
          } else {
            const id = [...model.keys()].at(action % Math.max(1, model.size)) ?? 0
            expect(inflight.take(id)).toBe(model.get(id))
            model.delete(id)
          }
          expect(inflight.size).toBe(model.size)
        }
        expect(new Set(inflight.takeAll())).toEqual(new Set(model.values()))
      }),
    )
  })

  it('is refused, rather than lost, where there is no room', () => {
    const inflight = new Inflight<Request>(1)
    const addMany = () => {
      for (let name = 0; name < 100; name++) inflight.add({ name })
    }
    expect(addMany).toThrow(RangeError)
    expect(inflight.takeAll()).toHaveLength(2)
  })
})
