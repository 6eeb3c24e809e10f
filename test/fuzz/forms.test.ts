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
import { runs } from './stream-documents.ts'

const values = fc.array(fc.string(), { maxLength: 3 })
const fields = fc.array(
  fc.tuple(fc.oneof(fc.string(), fc.constantFrom('service', '__proto__', 'a')), values),
  {
    maxLength: 6,
  },
)

function element(name: string, attributes: readonly string[], children: (Element | string)[]): Element {
  return new Element(
    name,
    dataFormNs,
    attributes,
    children.filter((child) => child !== ''),
  )
}

function fieldOf([name, list]: readonly [string, readonly string[]]): Element {
  return element(
    'field',
    ['var', name],
    list.map((value) => element('value', [], [value])),
  )
}

test('a form that was written out is read back: every field under its name, with its values in order', () => {
  fc.assert(
    fc.property(fields, fc.option(fc.string(), { nil: undefined }), (list, formType) => {
      const kept = list.filter(([name]) => name !== 'FORM_TYPE')
      const children = kept.map(fieldOf)
      if (formType !== undefined) children.push(fieldOf(['FORM_TYPE', [formType]]))
      const read = readForm(element('x', ['type', 'submit'], children))

      const expected = new Map<string, string[]>()
      for (const [name, given] of kept) expected.set(name, [...(expected.get(name) ?? []), ...given])
      expect(read).toEqual({ type: 'submit', formType: formType?.trim(), fields: expected })
    }),
    { numRuns: runs },
  )
})

test("a field's text is its values, one a line, and undefined exactly where it has none", () => {
  fc.assert(
    fc.property(values, (list) => {
      const field = fieldOf(['a', list])
      expect(countValues(field)).toBe(list.length)
      expect(fieldText(field)).toBe(list.length === 0 ? undefined : list.join('\n'))
    }),
    { numRuns: runs },
  )
})

test('whatever stands in a form, only fields and values of its namespace count', () => {
  const name = fc.constantFrom('field', 'value', 'x', 'required', 'option')
  const ns = fc.constantFrom(dataFormNs, '', 'urn:other')
  const attributes = fc.constantFrom<readonly string[]>([], ['var', 'a'], ['var', 'FORM_TYPE'], ['var', ''])
  const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
    tree: fc
      .tuple(
        name,
        ns,
        attributes,
        fc.array(fc.oneof(fc.string({ minLength: 1 }), tie('tree')), { maxLength: 4 }),
      )
      .map(([local, space, given, children]) => new Element(local, space, given, children)),
  }))
  fc.assert(
    fc.property(tree, (form) => {
      const { formType, fields: read } = readForm(form)
      const named = form.elements('field', dataFormNs).filter((field) => field.attr('var') !== undefined)
      const names = named.map((field) => field.attr('var')).filter((found) => found !== 'FORM_TYPE')
      expect([...read.keys()].sort()).toEqual([...new Set(names)].sort())
      expect(formType).toBe(formTypeOf(form))
      for (const child of form.children)
        expect(isField(child)).toBe(form.elements('field', dataFormNs).includes(child as Element))
    }),
    { numRuns: runs },
  )
})
