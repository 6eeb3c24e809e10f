import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Chain, Link } from '../../src/core/chain.ts'

test('a chain is a list from whose middle members leave, like an array but in constant time', () => {
  const step = fc.oneof(fc.constant('append' as const), fc.nat(20))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const chain = new Chain<number>()
      const links: Link<number>[] = []
      let made = 0
      for (const at of steps) {
        if (at === 'append') {
          const link = new Link(made++)
          links.push(link)
          chain.append(link)
        } else {
          links.splice(at, 1)[0]?.leave()
        }
        expect(chain.length).toBe(links.length)
        expect(chain.first).toBe(links[0]?.of)
      }
      for (const link of links) {
        expect(chain.first).toBe(link.of)
        link.leave()
      }
      expect(chain.first).toBeUndefined()
    }),
  )
})

test('a link leaves only the chain that it is in, and may leave twice', () => {
  const one = new Chain<string>()
  const other = new Chain<string>()
  const link = new Link('x')
  one.append(link)
  other.remove(link)
  expect(one.length).toBe(1)
  link.leave()
  link.leave()
  other.append(link)
  expect([one.length, other.length, other.first]).toEqual([0, 1, 'x'])
})

test('who walks along a chain may take out the member where they are', () => {
  const chain = new Chain<number>()
  const links = [0, 1, 2, 3].map((of) => new Link(of))
  for (const link of links) chain.append(link)
  const met: number[] = []
  for (const one of chain.members()) {
    met.push(one)
    if (one !== 1) links[one]?.leave()
  }
  expect(met).toEqual([0, 1, 2, 3])
  expect([...chain.members()]).toEqual([1])
})
