/**
 * How one key of the configuration is declared. Whatever is said about a key is said in its declaration: the
 * check, the faults, the reference text and what SIGHUP may change all read it there.
 */
export interface KeyNotes {
  /** For operators, in sentences. */
  readonly description: string
  /** Taken over on SIGHUP; all others wait for the next start. */
  readonly reload?: boolean
  /** What is allowed, in words, where the type and range do not say it. */
  readonly allowed?: string
  /** Its value is never shown. */
  readonly confidential?: boolean
  /**
   * The path of something on disk: relative ones start at the configuration file's folder. `secret`: a file that nobody
   * else may read. `module`: it may as well
   * be a name; paths begin with `/` or a dot.
   */
  readonly path?: 'readable' | 'secret' | 'any' | 'module'
  /** Stands in the reference text, commented out, where there is no default or it says too little. */
  readonly example?: string | readonly string[]
}

/** The notes that the validator must let pass. */
export const noteNames = ['reload', 'allowed', 'confidential', 'path', 'example']

/** A declaration as JSON Schema, which the validator reads, with its notes. */
export interface SchemaNode extends Partial<KeyNotes> {
  readonly type?: string
  readonly default?: unknown
  readonly enum?: readonly (string | number)[]
  readonly format?: string
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly minItems?: number
  readonly uniqueItems?: boolean
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

/** A declaration of what is a `Value` in a file without faults. */
export interface Declared<Value> extends SchemaNode {
  /** For the compiler alone: it is never there. */
  readonly value?: Value
}

export type ValueOf<Declaration> = Declaration extends Declared<infer Value> ? Value : never

export function integer(
  standard: number,
  minimum: number,
  maximum: number,
  notes: KeyNotes,
): Declared<number> {
  return { type: 'integer', default: standard, minimum, maximum, ...notes }
}

/** More than nothing, and all at most. */
export function fraction(standard: number, notes: KeyNotes): Declared<number> {
  return { type: 'number', default: standard, exclusiveMinimum: 0, maximum: 1, ...notes }
}

export function oneOfNumbers<const Choice extends number>(
  standard: NoInfer<Choice>,
  choices: readonly Choice[],
  notes: KeyNotes,
): Declared<Choice> {
  return { type: 'integer', enum: choices, default: standard, ...notes }
}

export function flag(standard: boolean, notes: KeyNotes): Declared<boolean> {
  return { type: 'boolean', default: standard, ...notes }
}

/** Text of any kind, or of one of the formats in validate.ts. */
export function text(standard: string, notes: KeyNotes & { readonly format?: string }): Declared<string> {
  return { type: 'string', default: standard, ...notes }
}

/** Text that must be given. */
export function requiredText(notes: KeyNotes & { readonly format?: string }): Declared<string> {
  return { type: 'string', ...notes }
}

export function choice<const Word extends string>(
  standard: NoInfer<Word>,
  words: readonly Word[],
  notes: KeyNotes,
): Declared<Word> {
  return { type: 'string', enum: words, default: standard, ...notes }
}

/** A list of texts, none twice. */
export function list(notes: KeyNotes, itemFormat?: string): Declared<string[]> {
  const item = itemFormat === undefined ? { minLength: 1 } : { format: itemFormat }
  return { type: 'array', items: { type: 'string', ...item }, default: [], uniqueItems: true, ...notes }
}

/** One of these words alone, or a list of texts, none twice and one at least; with none of `words`, one text alone. */
export function oneOrList<const Word extends string = string>(
  standard: NoInfer<Word>,
  words: readonly Word[] | undefined,
  itemFormat: string,
  notes: KeyNotes,
): Declared<Word | string[]> {
  const item: SchemaNode = { type: 'string', format: itemFormat }
  const one: SchemaNode = words === undefined ? item : { type: 'string', enum: words }
  const several: SchemaNode = { type: 'array', items: item, minItems: 1, uniqueItems: true }
  return { anyOf: [one, several], default: standard, ...notes }
}

type Properties = Readonly<Record<string, Declared<unknown>>>
type TableOf<Keys extends Properties> = { [Name in keyof Keys]: ValueOf<Keys[Name]> }

/** A table that knows these keys and no others; one that is not in the file is an empty one. */
export function table<Keys extends Properties>(keys: Keys, description?: string): Declared<TableOf<Keys>> {
  return { ...tableNode(keys, description), default: {} }
}

/** `[[…]]`: any number of such tables. */
export function tables<Keys extends Properties>(keys: Keys, description: string): Declared<TableOf<Keys>[]> {
  return { type: 'array', items: tableNode(keys, description), default: [] }
}

/** All that may be in the file. */
export function wholeFile<Keys extends Properties>(keys: Keys): Declared<TableOf<Keys>> {
  return tableNode(keys, undefined)
}

function tableNode(keys: Properties, description: string | undefined): SchemaNode {
  return {
    type: 'object',
    properties: keys,
    required: Object.keys(keys),
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  }
}
