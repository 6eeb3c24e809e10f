/** docs/configuration.md, made from what the configuration's declaration says of each key. */
import { allowed, tomlInteger } from '../src/main/config/allowed.ts'
import type { SchemaNode } from '../src/main/config/keys.ts'
import { headedTables, ownKeys, topLevel } from '../src/main/config/schema.ts'

const width = 115

const head = `# Configuration

<!-- Made by "npm run docs" from src/main/config/tables/: change it there. -->

The configuration is one TOML file. \`xmpp-pushd start --config FILE\` reads it; where \`--config\` is missing, the
environment variable \`XMPP_PUSHD_CONFIG\` names it. The packages' service reads \`/etc/xmpp-pushd/config.toml\`.

- Every key has a default but the \`domain\` of a \`[[component]]\`. A file says only what differs.
- Sizes and times carry their unit in the key: \`_bytes\`, \`_ms\`, \`_s\`.
- Relative paths start at the folder of the file.
- A key that is not known is a fault, and so is a value that is not allowed. \`xmpp-pushd check --config FILE\` tells
  all faults at once, each with what is allowed.
- **Reload**: keys marked so are taken over on SIGHUP (\`systemctl reload xmpp-pushd\`), all others at the next start.
  The log names what changed and what waits. A faulty file changes nothing.

\`xmpp-pushd config --defaults\` prints the same as a file to start from.
`

/** The whole page. */
export function configurationPage(): string {
  const tables = [...headedTables()]
  const contents = tables.map(({ header, path }) => `[\`${header}\`](#${path.replace('.', '')})`)
  const lines = [head, `Tables: ${contents.join(' · ')}`, '', '## At the top', '']
  addKeys(lines, topLevel, '', '')
  for (const { path, header, table } of tables) {
    lines.push(`## \`${header}\``, '')
    if (table.description !== undefined) lines.push(...wrapped(quoted(table.description)), '')
    addKeys(lines, table, `${path}.`, '')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

/** `before`: the path of the table in the file; `inside`: what stands before the key within its table (`retry.`). */
function addKeys(lines: string[], table: SchemaNode, before: string, inside: string): void {
  for (const [name, node] of ownKeys(table)) {
    if (node.properties === undefined) addKey(lines, before + inside + name, inside + name, node)
    else addKeys(lines, node, before, `${inside}${name}.`)
  }
}

function addKey(lines: string[], path: string, name: string, node: SchemaNode): void {
  const { description = '', example } = node
  lines.push(`### \`${path}\``, '', ...wrapped(quoted(description)), '')
  lines.push(
    ...wrapped(
      `- Allowed: ${node.path === undefined || node.path === 'module' ? quoted(allowed(node)) : 'a path'}.`,
      '  ',
    ),
  )
  if (node.default === undefined) lines.push('- It must be given.')
  // One that depends on the machine is told in words.
  else if (!description.includes('Default:'))
    lines.push(`- Default: \`${name} = ${tomlValue(node.default)}\``)
  if (example !== undefined) lines.push(`- Example: \`${name} = ${tomlValue(example)}\``)
  if (node.reload === true) lines.push('- Reload.')
  lines.push('')
}

/** What Markdown would take for a mark of its own, as code. */
function quoted(words: string): string {
  return words.replaceAll(/(?<![`\w])(\[IPv6\]:port|@HOST@|\[\[component\]\])/g, '`$1`')
}

function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`
  return typeof value === 'number' ? tomlInteger(value) : JSON.stringify(value)
}

/** Lines that fit an editor; all but the first begin with `indent`. */
function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = indent + word
    } else line += line === '' ? word : ` ${word}`
  }
  return [...lines, line]
}
