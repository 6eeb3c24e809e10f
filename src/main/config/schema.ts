import { type Static, type TSchema, Type } from '@sinclair/typebox'
import type { KeyNotes } from './keys.ts'
import { componentTable } from './tables/component.ts'
import { contentTable } from './tables/content.ts'
import { daemonKeys, httpTable, limitsTable, logTable } from './tables/daemon.ts'
import { mongoosepushTable } from './tables/mongoosepush.ts'
import { pushTable } from './tables/push.ts'
import { queueTable } from './tables/queue.ts'

/** The whole configuration file, in the order in which its reference shows it. */
export const configSchema = Type.Object(
  {
    ...daemonKeys,
    log: logTable,
    http: httpTable,
    component: Type.Array(componentTable, { default: [] }),
    push: pushTable,
    content: contentTable,
    mongoosepush: mongoosepushTable,
    queue: queueTable,
    limits: limitsTable,
  },
  { additionalProperties: false },
)

/** A configuration file with its defaults filled in. */
export type ConfigFile = Static<typeof configSchema>

/** A part of the schema, as those see it who walk over it. */
export interface SchemaNode extends KeyNotes {
  readonly type?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
}

/** TypeBox's types say nothing of the notes and ranges that its schemas carry. */
export function schemaNode(schema: TSchema): SchemaNode {
  return schema as unknown as SchemaNode
}

/** The declaration of a key by its path without indices (`component.domain`, `push.wpool.workers`). */
export function keyAt(path: string): SchemaNode | undefined {
  let node: SchemaNode | undefined = schemaNode(configSchema)
  for (const name of path.split('.')) node = (node?.items ?? node)?.properties?.[name]
  return node
}

/** Every key that holds a value, with its path; those of `[[component]]` as `component.domain`. */
export function* valueKeys(
  node: SchemaNode = schemaNode(configSchema),
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
