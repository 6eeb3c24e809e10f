/** One thing that is wrong with a configuration. */
export interface Fault {
  /** `push.reply_deadline_ms`, `component[0].domain`; '' when it is about the file as a whole. */
  readonly path: string
  /** What is wrong, and what is allowed: `is 5, allowed: 100 to 30000`. */
  readonly text: string
}

/** A fault as it is printed: one line, whatever the file holds. */
export function faultLine(file: string, fault: Fault): string {
  return fault.path === '' ? `${file}: ${fault.text}` : `${file}: ${fault.path}: ${fault.text}`
}

/** All faults found in one configuration. */
export class Faults {
  readonly #list: Fault[] = []

  get list(): readonly Fault[] {
    return this.#list
  }

  /** The first fault of a path is the one that says why; further ones only follow from it. */
  add(path: string, text: string): void {
    if (!this.#list.some((fault) => fault.path === path)) this.#list.push({ path, text })
  }

  /** Whether nothing is wrong with this key, what it holds, and the tables it stands in. */
  sound(path: string): boolean {
    return !this.#list.some(
      (fault) => fault.path === path || within(fault.path, path) || within(path, fault.path),
    )
  }
}

function within(path: string, table: string): boolean {
  return path.startsWith(table) && (path[table.length] === '.' || path[table.length] === '[')
}

/** The path of a key in a table, as it is written in TOML. */
export function keyPath(table: string, name: string): string {
  const written = /^[A-Za-z0-9_-]+$/.test(name) ? name : shortJson(name)
  return table === '' ? written : `${table}.${written}`
}

/** A value as a fault shows it: short, on one line. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'a date or time'
  if (value === '') return 'empty'
  if (typeof value === 'string') return shortJson(withoutPassword(value))
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!Array.isArray(value)) return 'a table'
  if (value.length === 0) return 'an empty list'
  return value.every((item) => typeof item === 'string')
    ? `[${value.map((item) => shortJson(withoutPassword(item))).join(', ')}]`
    : 'a list'
}

/** A URL may hold a password before its host. */
function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//…@')
}

const shownLength = 60

function shortJson(text: string): string {
  return JSON.stringify(text.length <= shownLength ? text : `${text.slice(0, shownLength)}…`).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
