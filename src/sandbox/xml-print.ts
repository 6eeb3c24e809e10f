/** XML over several lines, for people to read. */
import type { SandboxElement } from './element.ts'

export interface PrintOptions {
  /** Lines are no longer than this where that is possible. */
  readonly columns: number
  /** Data forms (XEP-0004) show their fields' names and values, without the elements around these. */
  readonly foldForms: boolean
}

/**
 * What fits goes on one line, a chain of only children shares a line, short neighbours stand side by side, and
 * a tag that is too long is broken between its attributes.
 */
export function printXml(element: SandboxElement, options: PrintOptions): string[] {
  const lines: string[] = []
  print(element, '', options, lines)
  return lines
}

/** A single tag, broken between its attributes. */
export function printTag(tag: string, indent: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const part of tag.split(/ (?=[\w:]+=')/)) {
    if (line !== '' && line.length + 1 + part.length > columns) {
      lines.push(line)
      line = `${indent}    ${part}`
    } else line = line === '' ? indent + part : `${line} ${part}`
  }
  lines.push(line)
  return lines
}

function print(element: SandboxElement, indent: string, options: PrintOptions, lines: string[]): void {
  const { columns } = options
  const whole = serialize(element, options.foldForms)
  if (indent.length + whole.length <= columns) {
    lines.push(indent + whole)
    return
  }
  if (element.elements().length === 0) {
    lines.push(...printTag(whole, indent, columns))
    return
  }
  const { opening, closing, innermost } = chainOf(element, columns - indent.length)
  lines.push(...printTag(opening, indent, columns))
  printInside(innermost, `${indent}  `, options, lines)
  lines.push(indent + closing)
}

/** An element with all its only children and theirs, as far as their tags have room on one line. */
function chainOf(
  element: SandboxElement,
  columns: number,
): { opening: string; closing: string; innermost: SandboxElement } {
  let opening = openTag(element)
  let closing = `</${element.name}>`
  let innermost = element
  for (;;) {
    const [only, ...others] = innermost.elements()
    if (only === undefined || others.length > 0 || only.elements().length === 0) break
    const longer = opening + openTag(only)
    if (longer.length > columns) break
    opening = longer
    closing = `</${only.name}>${closing}`
    innermost = only
  }
  return { opening, closing, innermost }
}

function printInside(parent: SandboxElement, indent: string, options: PrintOptions, lines: string[]): void {
  if (options.foldForms && isForm(parent)) {
    lines.push(...foldedLines(parent, indent, options.columns))
    return
  }
  let line = ''
  const flush = () => {
    if (line !== '') lines.push(indent + line)
    line = ''
  }
  for (const element of parent.elements()) {
    const whole = serialize(element, options.foldForms)
    if (indent.length + line.length + whole.length > options.columns) flush()
    if (indent.length + whole.length > options.columns) print(element, indent, options, lines)
    else line += whole
  }
  flush()
}

/** The whole element on one line. */
function serialize(element: SandboxElement, foldForms: boolean): string {
  const { children } = element
  if (children.length === 0) return openTag(element, '/>')
  const content =
    foldForms && isForm(element)
      ? ` ${foldedFields(element).join(foldMark)} `
      : children
          .map((child) => (typeof child === 'string' ? escapeText(child) : serialize(child, foldForms)))
          .join('')
  return `${openTag(element)}${content}</${element.name}>`
}

function openTag(element: SandboxElement, end: '>' | '/>' = '>'): string {
  let tag = `<${element.name}`
  for (const [name, value] of element.attributes) {
    tag += ` ${name}='${escapeText(value).replaceAll("'", '&apos;')}'`
  }
  return tag + end
}

function isForm(element: SandboxElement): boolean {
  return element.name === 'x' && element.ns === 'jabber:x:data'
}

/** `name: value` of each field; those without a value and the form's type go without saying. */
function foldedFields(form: SandboxElement): string[] {
  return form.elements('field').flatMap((field) => {
    const name = field.attr('var') ?? ''
    const value = field.child('value')?.text() ?? ''
    return name === 'FORM_TYPE' || value === '' ? [] : [`${name}: ${escapeText(value)}`]
  })
}

const foldMark = ' · '

function foldedLines(form: SandboxElement, indent: string, columns: number): string[] {
  const lines: string[] = []
  for (const field of foldedFields(form)) {
    const longer = `${lines.at(-1)}${foldMark}${field}`
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer
    else lines.push(indent + field)
  }
  return lines
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
