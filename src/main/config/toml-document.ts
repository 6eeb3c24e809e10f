import { parse, TomlDate, TomlError } from 'smol-toml'
import type { Faults } from './faults.ts'

/**
 * The text of a TOML file as plain data, or undefined and a fault with line and column. Dates, which no key
 * takes, become null.
 */
export function parseDocument(bytes: Uint8Array, faults: Faults): Record<string, unknown> | undefined {
  const text = decode(bytes, faults)
  if (text === undefined) return undefined
  try {
    return withoutDates(parse(text)) as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Its further lines quote the file, and so perhaps a secret.
    const reason = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '')
    faults.add('', `line ${error.line}, column ${error.column}: ${reason}, allowed: TOML 1.0`)
    return undefined
  }
}

function decode(bytes: Uint8Array, faults: Faults): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const readable = new TextDecoder().decode(bytes)
    const line = readable.slice(0, readable.indexOf('\ufffd')).split('\n').length
    faults.add('', `line ${line}: is not UTF-8, allowed: text in UTF-8`)
    return undefined
  }
}

function withoutDates(value: unknown): unknown {
  if (value instanceof TomlDate) return null
  if (Array.isArray(value)) return value.map(withoutDates)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutDates(item)]))
}
