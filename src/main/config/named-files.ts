import { isAbsolute } from 'node:path'
import type { SchemaNode } from './keys.ts'
import { configSchema } from './schema.ts'

/** A file that the configuration names, or the configuration file itself. */
export interface NamedFile {
  /** The path of the key that names it: `component[0].secret_file`; '' for the configuration file. */
  readonly path: string
  readonly file: string
  /** Whether the file holds a secret of the daemon. */
  readonly isSecret: boolean
}

type Table = Readonly<Record<string, unknown>>

/** All files that a sound configuration names, by absolute paths. */
export function* namedFiles(table: Table, node: SchemaNode = configSchema, at = ''): Generator<NamedFile> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const value = table[name]
    const path = at === '' ? name : `${at}.${name}`
    if (child.properties !== undefined) yield* namedFiles(value as Table, child, path)
    else if (child.items?.properties !== undefined) {
      for (const [i, item] of (value as Table[]).entries()) {
        yield* namedFiles(item, child.items, `${path}[${i}]`)
      }
    } else if (child.path !== undefined && child.path !== 'any') {
      if (typeof value !== 'string' || !isAbsolute(value)) continue
      yield { path, file: value, isSecret: child.path === 'secret' || holdsKey(name, table) }
    }
  }
}

/** A certificate's file is public, unless it holds the key as well. */
function holdsKey(name: string, { cert_file, private_key_file }: Table): boolean {
  return name === 'cert_file' && (private_key_file === '' || private_key_file === cert_file)
}

/** Whether a secret stands in the configuration file itself. */
export function holdsSecret(table: Table, node: SchemaNode = configSchema): boolean {
  return Object.entries(node.properties ?? {}).some(([name, child]) => {
    const value = table[name]
    if (child.confidential === true) return value !== ''
    if (child.properties !== undefined) return holdsSecret(value as Table, child)
    const { items } = child
    return items?.properties !== undefined && (value as Table[]).some((item) => holdsSecret(item, items))
  })
}
