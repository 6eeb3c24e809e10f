import { exitCodes } from '../exit-codes.ts'

export interface Option {
  /** What stands for its value in the help; undefined: it takes none. */
  readonly value: string | undefined
  readonly about: string
}

/** Options as given, by name. */
export type GivenOptions = Readonly<Record<string, string | true | undefined>>

/** One word of the command line. */
export interface Command {
  readonly name: string
  /** What follows its name in the help, options aside. */
  readonly operands: string
  readonly about: string
  readonly options: Readonly<Record<string, Option>>
  /** Everything behind its name goes to it as it stands: it has options of its own. */
  readonly takesRest: boolean
  /** Resolves to the exit code. */
  readonly run: (options: GivenOptions, rest: readonly string[]) => Promise<number>
}

/** What is wrong with a command line: shown as it is, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly exitCode = exitCodes.config
}

export const configOption: Option = {
  value: 'FILE',
  about: 'the configuration file; without it, XMPP_PUSHD_CONFIG names it',
}

/** The configuration file that the command line or the environment names. */
export function configFileOf(options: GivenOptions): string {
  const given = options.config ?? process.env.XMPP_PUSHD_CONFIG
  if (typeof given === 'string' && given !== '') return given
  throw new UsageError(
    'no configuration file: give --config FILE, or name it in XMPP_PUSHD_CONFIG ("xmpp-pushd config --defaults" prints one to start from)',
  )
}
