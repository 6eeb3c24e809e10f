import {
  type TArray,
  type TBoolean,
  type TInteger,
  type TString,
  type TUnsafe,
  Type,
} from '@sinclair/typebox'

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
   * The path of something on disk: relative ones start at the configuration file's folder. `module`: it may as well
   * be a name; paths begin with `/` or a dot.
   */
  readonly path?: 'readable' | 'any' | 'module'
  /** Stands in the reference text, commented out, where there is no default or it says too little. */
  readonly example?: string | readonly string[]
}

/** The notes that the validator must let pass. */
export const noteNames = ['reload', 'allowed', 'confidential', 'path', 'example']

export function integer(standard: number, minimum: number, maximum: number, notes: KeyNotes): TInteger {
  return Type.Integer({ default: standard, minimum, maximum, ...notes })
}

export function flag(standard: boolean, notes: KeyNotes): TBoolean {
  return Type.Boolean({ default: standard, ...notes })
}

/** Text of any kind, or of one of the formats in validate.ts. */
export function text(standard: string, notes: KeyNotes & { readonly format?: string }): TString {
  return Type.String({ default: standard, ...notes })
}

/** Text that must be given. */
export function requiredText(notes: KeyNotes & { readonly format?: string }): TString {
  return Type.String({ ...notes })
}

export function choice<const Word extends string>(
  standard: NoInfer<Word>,
  words: readonly Word[],
  notes: KeyNotes,
): TUnsafe<Word> {
  return Type.Unsafe<Word>({ type: 'string', enum: words, default: standard, ...notes })
}

/** A list of texts, none twice. */
export function list(notes: KeyNotes, itemFormat?: string): TArray<TString> {
  const item = Type.String(itemFormat === undefined ? { minLength: 1 } : { format: itemFormat })
  return Type.Array(item, { default: [], uniqueItems: true, ...notes })
}
