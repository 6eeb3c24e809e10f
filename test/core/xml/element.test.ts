import { expect, it } from 'vitest'
import { Element } from '../../../src/core/xml/element.ts'

const b1 = new Element('b', 'u', [], ['1'])
const b2 = new Element('b', 'v')
const a = new Element('a', 'u', ['id', 'x', 'constructor', 'y', 'empty', ''], ['one', b1, 'two', b2])

it('an attribute is found by its name, and only by that', () => {
  expect(['id', 'constructor', 'empty', 'x', 'toString'].map((name) => a.attr(name))).toEqual([
    'x',
    'y',
    '',
    undefined,
    undefined,
  ])
})

it('a child is found by its name and namespace', () => {
  expect(a.child('b', 'v')).toBe(b2)
  expect(a.child('b', 'w')).toBeUndefined()
  expect(a.child('a', 'u')).toBeUndefined()
  expect(a.firstChild()).toBe(b1)
  expect(b1.firstChild()).toBeUndefined()
})

it('children can be listed all, by name, and by namespace', () => {
  expect(a.elements()).toEqual([b1, b2])
  expect(a.elements('b')).toEqual([b1, b2])
  expect(a.elements('b', 'v')).toEqual([b2])
  expect(a.elements('c')).toEqual([])
})

it("an element's text is its own, without that of its children", () => {
  expect(a.text()).toBe('onetwo')
  expect(b1.text()).toBe('1')
  expect(b2.text()).toBe('')
  expect(new Element('c', '', [], [b1]).text()).toBe('')
})
