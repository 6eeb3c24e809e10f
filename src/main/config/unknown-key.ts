import { editDistance } from '../nearest-name.ts'
import type { SchemaNode } from './keys.ts'
import { configSchema } from './schema.ts'

/** A key in the wrong table is as far away as one wrong letter. */
const otherTablePenalty = 1

/** Why a key is not known, with the one that was most likely meant. `table`: the path it stands in. */
export function unknownKeyText(table: string, name: string): string {
  const home = table.replaceAll(/\[\d+\]/g, '')
  let nearest = ''
  let nearestDistance = Number.POSITIVE_INFINITY
  for (const [path, key] of keysAndTables(configSchema, '')) {
    const parent = path.slice(0, Math.max(path.lastIndexOf('.'), 0))
    const distance = editDistance(name, key) + (parent === home ? 0 : otherTablePenalty)
    if (distance < nearestDistance) {
      nearest = path
      nearestDistance = distance
    }
  }
  return `is not a known key, the nearest known one is ${nearest}`
}

function* keysAndTables(table: SchemaNode, path: string): Generator<readonly [path: string, name: string]> {
  for (const [name, child] of Object.entries((table.items ?? table).properties ?? {})) {
    const childPath = path === '' ? name : `${path}.${name}`
    yield [childPath, name]
    yield* keysAndTables(child, childPath)
  }
}
