import { Element } from '../../core/xml/element.ts'
import { type Imported, imported } from './export-reader.ts'
import type { Fields } from './imported-subscription.ts'
import { type LuaTable, type LuaValue, readLuaTable } from './lua-table.ts'
import { readEnable } from './stored-enable.ts'

/** Where Prosody's `internal` storage keeps the data of mod_cloud_notify: `HOST/cloud_notify/USER.dat`. */
export const prosodyStore = 'cloud_notify'
export const prosodyEnding = '.dat'

/**
 * One user's registrations: what such a file holds, as bytes. Pure.
 *
 * @param path as it is named to people
 * @param name the file's, without its ending
 * @param hostName of the folder above the store's
 */
export function readProsodyFile(path: string, hostName: string, name: string, bytes: string): Imported[] {
  const user = decoded(name)
  const host = decoded(hostName)
  if (user === undefined || host === undefined) return [imported(path, 'its path names no user')]
  const table = readLuaTable(bytes)
  if (typeof table === 'string') return [imported(path, table)]
  return [...table].map(([key, entry]) => {
    return imported(`${path}: ${JSON.stringify(key)}`, fieldsOf(entry, `${user}@${host}`))
  })
}

/** Prosody writes everything but letters and digits as `%2e`, byte by byte. */
function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name)
  } catch {
    return undefined
  }
}

function fieldsOf(entry: LuaValue, user: string): Fields | string {
  if (!(entry instanceof Map)) return 'is no registration'
  const jid = textAt(entry, 'jid')
  if (jid === undefined) return 'has no jid'
  const node = textAt(entry, 'node')
  // Prosody publishes to App Servers that know no nodes; here a node is what a registration is known by.
  if (node === undefined) return 'has no node'
  const options = entry.get('options')
  const form = options === undefined ? undefined : elementOf(options)
  if (options !== undefined && form === undefined) return 'its options are no form'
  const seconds = entry.get('timestamp')
  const enabled = typeof seconds === 'number' ? new Date(seconds * 1000) : undefined
  if (Number.isNaN(enabled?.getTime())) return 'its timestamp is no time'
  return readEnable({ user, jid, node, form, enabled: enabled?.toISOString() })
}

/** A stanza as Prosody's `util.stanza` prepares it for storage: every element says its namespace. */
function elementOf(value: LuaValue): Element | undefined {
  if (!(value instanceof Map)) return undefined
  const name = textAt(value, 'name')
  if (name === undefined) return undefined
  const attributes: string[] = []
  const given = value.get('attr')
  for (const [attribute, text] of given instanceof Map ? given : []) {
    if (typeof attribute === 'string' && typeof text === 'string') attributes.push(attribute, text)
  }
  const ns = given instanceof Map ? textAt(given, 'xmlns') : undefined
  const children: (Element | string)[] = []
  for (let i = 1; ; i++) {
    const item = value.get(i)
    if (item === undefined) return new Element(name, ns ?? '', attributes, children)
    const child = typeof item === 'string' ? item : elementOf(item)
    if (child === undefined) return undefined
    if (child !== '') children.push(child)
  }
}

function textAt(table: LuaTable, key: string): string | undefined {
  const value = table.get(key)
  return typeof value === 'string' ? value : undefined
}
