import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  countValues,
  dataFormNs,
  fieldText,
  formTypeOf,
  isField,
  readForm,
} from '../../src/core/data-form.ts'
import { Element } from '../../src/core/xml/element.ts'

function element(name: string, attributes: string[], ...children: (Element | string)[]): Element {
  return new Element(name, dataFormNs, attributes, children)
}

function field(name: string, ...values: string[]): Element {
  return element('field', ['var', name], ...values.map((value) => element('value', [], value)))
}

test('a form is its type, its FORM_TYPE, and the values of its fields', () => {
  const form = element('x', ['type', 'submit'], field('FORM_TYPE', 'urn:a'), field('b', '1', '2'), field('c'))
  expect(readForm(form)).toEqual({
    type: 'submit',
    formType: 'urn:a',
    fields: new Map([
      ['b', ['1', '2']],
      ['c', []],
    ]),
  })
})

test('FORM_TYPE may stand anywhere among the fields, and may be missing', () => {
  expect(formTypeOf(element('x', [], field('a', '1'), '\n', field('FORM_TYPE', 'urn:a')))).toBe('urn:a')
  expect(formTypeOf(element('x', [], field('a', '1')))).toBeUndefined()
  expect(formTypeOf(element('x', [], field('FORM_TYPE')))).toBeUndefined()
})

test('several values are lines, an empty value is empty text, and no value is no text', () => {
  expect(fieldText(field('a', 'x', 'y'))).toBe('x\ny')
  expect(fieldText(element('field', ['var', 'a'], element('value', [])))).toBe('')
  expect(fieldText(field('a'))).toBeUndefined()
  expect(countValues(field('a', 'x', 'y'))).toBe(2)
})

test('a field named like a property of every object is only a field', () => {
  const form = readForm(element('x', [], field('__proto__', '1'), field('constructor', '2')))
  expect([...form.fields]).toEqual([
    ['__proto__', ['1']],
    ['constructor', ['2']],
  ])
})

test('two fields of one name are one field with the values of both', () => {
  expect(readForm(element('x', [], field('a', '1'), field('a', '2'))).fields.get('a')).toEqual(['1', '2'])
})

const names = fc.constantFrom('x', 'field', 'value', 'option', 'reported', 'item')
const namespaces = fc.constantFrom(dataFormNs, '', 'urn:other')
const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
  tree: fc
    .tuple(
      names,
      namespaces,
      fc.array(fc.tuple(fc.constantFrom('var', 'type', 'label'), fc.string())),
      fc.array(fc.oneof({ depthSize: 'small' }, fc.string({ minLength: 1 }), tie('tree'))),
    )
    .map(([name, ns, attributes, children]) => new Element(name, ns, attributes.flat(), children)),
}))

test('whatever stands in a form, reading it gives a form', () => {
  fc.assert(
    fc.property(tree, (x) => {
      const form = readForm(x)
      for (const [name, values] of form.fields) {
        expect(name).not.toBe('FORM_TYPE')
        expect(Array.isArray(values)).toBe(true)
      }
      for (const child of x.children) if (isField(child)) expect(() => fieldText(child)).not.toThrow()
    }),
  )
})
