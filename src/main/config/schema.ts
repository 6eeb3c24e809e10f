import { type SchemaNode, type ValueOf, wholeFile } from './keys.ts'
import { componentTable } from './tables/component.ts'
import { contentTable } from './tables/content.ts'
import { daemonKeys, httpTable, limitsTable, logTable } from './tables/daemon.ts'
import { mongoosepushTable } from './tables/mongoosepush.ts'
import { pushTable } from './tables/push.ts'
import { queueTable } from './tables/queue.ts'

/** The whole configuration file, in the order in which its reference shows it. */
export const configSchema = wholeFile({
  ...daemonKeys,
  log: logTable,
  http: httpTable,
  component: componentTable,
  push: pushTable,
  content: contentTable,
  mongoosepush: mongoosepushTable,
  queue: queueTable,
  limits: limitsTable,
})

/** A configuration file with its defaults filled in. */
export type ConfigFile = ValueOf<typeof configSchema>

/** The declaration of a key by its path without indices (`component.domain`, `push.wpool.workers`). */
export function keyAt(path: string): SchemaNode | undefined {
  let node: SchemaNode | undefined = configSchema
  for (const name of path.split('.')) node = (node?.items ?? node)?.properties?.[name]
  return node
}

/** Every key that holds a value, with its path; those of `[[component]]` as `component.domain`. */
export function* valueKeys(
  node: SchemaNode = configSchema,
  path = '',
): Generator<readonly [path: string, key: SchemaNode]> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const table = child.items?.properties === undefined ? child : child.items
    const childPath = path === '' ? name : `${path}.${name}`
    if (table.properties === undefined) yield [childPath, child]
    else yield* valueKeys(table, childPath)
  }
}

/** The tables of `[[component]]` with their paths, also of a file with faults: keys may be unsound, tables are tables. */
export function componentTables(
  file: ConfigFile,
): { readonly path: string; readonly table: ConfigFile['component'][number] }[] {
  if (!Array.isArray(file.component)) return []
  return file.component
    .map((table, i) => ({ path: `component[${i}]`, table }))
    .filter(({ table }) => typeof table === 'object' && table !== null)
}
