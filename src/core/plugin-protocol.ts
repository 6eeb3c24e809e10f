/**
 * The messages between the main thread and the thread of a plugin. All of them are plain data that can be cloned.
 *
 * Rules: the thread first sends `ready` or `unusable`, once. Each question gets at most one answer, in any order; a thread
 * that ends leaves its questions unanswered. The main thread checks every message of the thread.
 */

/** Given to the thread when it starts. */
export interface PluginSource {
  /** The absolute path of an ES module, or the name of a package. */
  readonly module: string
  /** The folder in which to look for a package that is not installed beside the daemon. */
  readonly workingDirectory: string
}

/** An element as it arrives: cloning leaves out the methods. */
export interface PlainElement {
  readonly name: string
  readonly ns: string
  readonly attributes: readonly string[]
  readonly children: readonly (PlainElement | string)[]
}

export interface PluginQuestion {
  readonly id: number
  readonly event: { readonly stanza: PlainElement | undefined }
  readonly subscriptions: readonly { readonly jid: string; readonly node: string }[]
  /** The sender as the plugin `defaults` shows it. */
  readonly sender: string
}

export interface ToPlugin {
  readonly questions: readonly PluginQuestion[]
  /** The time limit of each question, from the call of the plugin. */
  readonly timeoutMs: number
}

/** Why an answer of a plugin cannot be used. */
export const pluginFaults = ['threw', 'timeout', 'nonsense'] as const
export type PluginFault = (typeof pluginFaults)[number]

export type PluginAnswer =
  | {
      readonly id: number
      readonly kind: 'decided'
      /** Places in the question's `subscriptions`; undefined: the plugin leaves this to the defaults. */
      readonly chosen: readonly number[] | undefined
      /** Undefined: as for `chosen`, and where nobody is chosen. */
      readonly sender: string | undefined
      /** Flat: name, value, name, value …; null: nobody is notified; undefined: as for `sender`. */
      readonly summary: readonly string[] | null | undefined
    }
  | { readonly id: number; readonly kind: 'failed'; readonly fault: PluginFault; readonly why: string }

export type FromPlugin =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly why: string }
  | { readonly kind: 'answers'; readonly answers: readonly PluginAnswer[] }

/** The most characters of a value that are passed on: more than is kept of any value. */
export const maxCrossingLength = 8_192

/** The most characters of `why`. */
export const maxWhyLength = 1_000
