import type { SchemaNode } from './keys.ts'

/** What a key may hold, in words. */
export function allowed(node: SchemaNode | undefined): string {
  if (node?.allowed !== undefined) return node.allowed
  if (node?.enum !== undefined) return node.enum.join(', ')
  if (node?.exclusiveMinimum !== undefined)
    return `a number above ${node.exclusiveMinimum}, up to ${node.maximum}`
  if (node?.minimum !== undefined)
    return `a whole number from ${tomlInteger(node.minimum)} to ${tomlInteger(node.maximum ?? 0)}`
  if (node?.type === 'boolean') return 'true or false'
  if (node?.type === 'object') return 'a table'
  if (node?.format === 'domain') return 'a domain in lower case'
  if (node?.format === 'domain-pattern') return 'a domain in lower case, which may hold @HOST@'
  if (node?.items?.format === 'host')
    return 'a list of host names in lower case or IP addresses, without ports'
  if (node?.format === 'host') return 'a host name in lower case or an IP address, without port'
  if (node?.items !== undefined) return node.items.type === 'string' ? 'a list of texts' : 'a list of tables'
  return node?.minLength === undefined ? 'text' : 'text that is not empty'
}

/** A number as TOML lets it be read: 10_000. */
export function tomlInteger(value: number): string {
  return value < 10_000 ? String(value) : String(value).replace(/\B(?=(\d{3})+$)/g, '_')
}
