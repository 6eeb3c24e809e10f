import { allowed, tomlInteger } from './allowed.ts'
import type { SchemaNode } from './keys.ts'
import { headedTables, ownKeys, topLevel } from './schema.ts'

const width = 100

const head = [
  'The configuration of xmpp-pushd: every key, with its default.',
  '',
  'A line that begins with "#" and a space explains; one that begins with "#" and a key is a setting',
  'that has no default, or an example. Relative paths start at the folder of this file. Keys marked',
  '(reload) are taken over on SIGHUP, all others at the next start.',
]

/** The whole configuration as a TOML file with its defaults and what each key means: what an empty file says. */
export function defaultsText(): string {
  const lines = [...head.map((line) => `# ${line}`.trimEnd()), '']
  addKeys(lines, topLevel, '', '')
  for (const { header, table, many } of headedTables()) {
    const mark = many ? '#' : ''
    addHeader(lines, table, mark + header)
    addKeys(lines, table, '', mark)
  }
  return lines.join('\n')
}

/** `inside`: what stands before a key of a table within the table (`retry.`). */
function addKeys(lines: string[], table: SchemaNode, inside: string, mark: string): void {
  for (const [name, node] of ownKeys(table)) {
    if (node.properties === undefined) addKey(lines, node, inside + name, mark)
    else addKeys(lines, node, `${inside}${name}.`, mark)
  }
}

function addHeader(lines: string[], node: SchemaNode, header: string): void {
  if (node.description !== undefined) lines.push(...wrapped(node.description))
  lines.push(header, '')
}

function addKey(lines: string[], node: SchemaNode, name: string, mark: string): void {
  const remarks = [node.description ?? '']
  const words = allowed(node)
  if (words !== 'text' && words !== 'true or false') remarks.push(`Allowed: ${words}.`)
  if (node.reload === true) remarks.push('(reload)')
  lines.push(...wrapped(remarks.join(' ')))
  if (mark === '') lines.push(`${name} = ${tomlValue(node.default)}`)
  if (node.example !== undefined) lines.push(`#${name} = ${tomlValue(node.example)}`)
  else if (mark !== '') lines.push(`${mark}${name} = ${tomlValue(node.default)}`)
  lines.push('')
}

function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`
  if (typeof value === 'number') return tomlInteger(value)
  return JSON.stringify(value)
}

function wrapped(text: string): string[] {
  const lines: string[] = []
  let line = '#'
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > width && line !== '#') {
      lines.push(line)
      line = '#'
    }
    line += ` ${word}`
  }
  lines.push(line)
  return lines
}
