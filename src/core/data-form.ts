import type { Element } from './xml/element.ts'

/** Reading of data forms (XEP-0004), and of what XEP-0068 calls their FORM_TYPE. */

export const dataFormNs = 'jabber:x:data'

/** A form taken apart: for requests that are rare. */
export interface DataForm {
  /** `submit`, `form`, `cancel`, `result`; undefined when the form has no type, which counts as `submit`. */
  readonly type: string | undefined
  readonly formType: string | undefined
  /** Values by var, FORM_TYPE left out; an empty list for a field without `<value/>`. */
  readonly fields: ReadonlyMap<string, readonly string[]>
}

export function readForm(x: Element): DataForm {
  const fields = new Map<string, string[]>()
  for (const field of x.elements('field', dataFormNs)) {
    const name = field.attr('var')
    if (name === undefined || name === 'FORM_TYPE') continue
    const values = fields.get(name) ?? []
    fields.set(name, values)
    for (const value of field.elements('value', dataFormNs)) values.push(value.text())
  }
  return { type: x.attr('type'), formType: formTypeOf(x), fields }
}

/** What the form is about, without white space around it; undefined when it has no FORM_TYPE. */
export function formTypeOf(x: Element): string | undefined {
  for (const field of x.children) {
    if (isField(field) && field.attr('var') === 'FORM_TYPE') return fieldText(field)?.trim()
  }
  return undefined
}

export function isField(child: Element | string): child is Element {
  return typeof child !== 'string' && child.name === 'field' && child.ns === dataFormNs
}

/** The field's value, several joined as lines (XEP-0004 §3.3, text-multi); undefined without `<value/>`. */
export function fieldText(field: Element): string | undefined {
  let text: string | undefined
  for (const child of field.children) {
    if (!isValue(child)) continue
    text = text === undefined ? child.text() : `${text}\n${child.text()}`
  }
  return text
}

export function countValues(field: Element): number {
  let count = 0
  for (const child of field.children) if (isValue(child)) count++
  return count
}

function isValue(child: Element | string): child is Element {
  return typeof child !== 'string' && child.name === 'value' && child.ns === dataFormNs
}
