import { type SchemaNode, type ValueOf, wholeFile } from './keys.ts'
import { componentTable } from './tables/component.ts'
import { contentTable } from './tables/content.ts'
import { daemonKeys, httpTable, limitsTable, logTable } from './tables/daemon.ts'
import { gatewayTable } from './tables/gateway.ts'
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
  gateway: gatewayTable,
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

/** A table with a header of its own in the file: `[push]`, `[[gateway.fcm]]`; not one within another (`push.wpool`). */
export interface HeadedTable {
  readonly path: string
  /** What stands in the file: `[[gateway.fcm]]`. */
  readonly header: string
  readonly table: SchemaNode
  /** There may be any number of it. */
  readonly many: boolean
}

/** In the order in which the reference shows them. */
export function* headedTables(node: SchemaNode = configSchema, path = ''): Generator<HeadedTable> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const many = child.items?.properties !== undefined
    const table = many && child.items !== undefined ? child.items : child
    if (table.properties === undefined || (path !== '' && !many)) continue
    const childPath = path === '' ? name : `${path}.${name}`
    yield { path: childPath, header: many ? `[[${childPath}]]` : `[${childPath}]`, table, many }
    yield* headedTables(table, childPath)
  }
}

/** The keys above all tables, as a table. */
export const topLevel: SchemaNode = {
  properties: Object.fromEntries(
    Object.entries(configSchema.properties ?? {}).filter(([, node]) => !isTable(node)),
  ),
}

/** What is written under a table's header: values, and tables without a header of their own. */
export function ownKeys(table: SchemaNode): [name: string, key: SchemaNode][] {
  return Object.entries(table.properties ?? {}).filter(([, node]) => node.items?.properties === undefined)
}

function isTable(node: SchemaNode): boolean {
  return (node.items ?? node).properties !== undefined
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

type ComponentTable = ConfigFile['component'][number]
type FcmTable = ConfigFile['gateway']['fcm'][number]
type ApnsTable = ConfigFile['gateway']['apns'][number]

export interface TableAt<Table> {
  /** `component[0]` */
  readonly path: string
  readonly table: Table
}

/** The tables of `[[component]]` with their paths, also of a file with faults: keys may be unsound, tables are tables. */
export function componentTables(file: ConfigFile): TableAt<ComponentTable>[] {
  return tablesAt('component', file.component)
}

/** Those of `[[gateway.fcm]]`, likewise. */
export function fcmTables(file: ConfigFile): TableAt<FcmTable>[] {
  return tablesAt('gateway.fcm', file.gateway?.fcm)
}

/** Those of `[[gateway.apns]]`, likewise. */
export function apnsTables(file: ConfigFile): TableAt<ApnsTable>[] {
  return tablesAt('gateway.apns', file.gateway?.apns)
}

function tablesAt<Table>(name: string, list: readonly Table[] | undefined): TableAt<Table>[] {
  if (!Array.isArray(list)) return []
  return list
    .map((table: Table, i) => ({ path: `${name}[${i}]`, table }))
    .filter(({ table }) => typeof table === 'object' && table !== null)
}
