import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { checkCommand } from './commands/check.ts'
import { type Command, type GivenOptions, UsageError } from './commands/command.ts'
import { configCommand } from './commands/config.ts'
import { demoCommand, sandboxCommand } from './commands/demo.ts'
import { restartCommand } from './commands/restart.ts'
import { startCommand } from './commands/start.ts'
import { storeCommand } from './commands/store.ts'
import { subscriptionsCommand } from './commands/subscriptions.ts'
import { exitCodes } from './exit-codes.ts'
import { nearestName } from './nearest-name.ts'
import { version } from './version.ts'

export const commands: readonly Command[] = [
  startCommand,
  restartCommand,
  checkCommand,
  configCommand,
  storeCommand,
  subscriptionsCommand,
  demoCommand,
  sandboxCommand,
]

/** Runs what a command line asks for; resolves to the exit code and never rejects. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    return await run(args)
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`xmpp-pushd: ${error.message}`)
      return error.exitCode
    }
    console.error('xmpp-pushd: this is a bug, please report it:')
    console.error(error)
    return exitCodes.software
  }
}

async function run(args: readonly string[]): Promise<number> {
  const [word, ...rest] = args
  if (word === '--version' || word === '-V') {
    console.log(`xmpp-pushd ${version}`)
    return exitCodes.ok
  }
  if (word === '--help' || word === '-h' || word === 'help') {
    console.log(helpText())
    return exitCodes.ok
  }
  if (word === undefined) throw new UsageError(`no command\n\n${helpText()}`)

  const command = commands.find(({ name }) => name === word)
  if (command === undefined) {
    const known = [...commands.map(({ name }) => name), '--version', '--help']
    const kind = word.startsWith('-') ? 'option' : 'command'
    throw new UsageError(`unknown ${kind} ${word}, the nearest known one is ${nearestName(word, known)}`)
  }
  if (command.takesRest) return command.run({}, rest)
  const options = parseOptions(command, rest)
  if (options.help === true) {
    console.log(commandHelp(command))
    return exitCodes.ok
  }
  return command.run(options, [])
}

/** node:util reads the words; what is wrong with them is said in our own. */
function parseOptions(command: Command, args: readonly string[]): GivenOptions {
  const known: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } }
  for (const [name, { value }] of Object.entries(command.options)) {
    known[name] = { type: value === undefined ? 'boolean' : 'string' }
  }
  const { tokens } = parseArgs({ args: [...args], options: known, strict: false, tokens: true })
  const given: Record<string, string | true> = {}
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw new UsageError(`${command.name} takes no "${token.value}"`)
    const option = known[token.name]
    if (option === undefined) {
      const names = Object.keys(known).map((name) => `--${name}`)
      throw new UsageError(
        `${command.name}: unknown option ${token.rawName}, the nearest known one is ${nearestName(token.rawName, names)}`,
      )
    }
    const takesValue = option.type === 'string'
    if (takesValue && (token.value === undefined || token.value === '')) {
      throw new UsageError(
        `${command.name}: --${token.name} needs ${command.options[token.name]?.value ?? 'a value'}`,
      )
    }
    if (!takesValue && token.value !== undefined) {
      throw new UsageError(`${command.name}: --${token.name} takes no value`)
    }
    given[token.name] = token.value ?? true
  }
  return given
}

function helpText(): string {
  const lines = commands.map((command) => `  ${synopsis(command)}\n      ${command.about}`)
  return [
    'xmpp-pushd: push notifications for any XMPP server (XEP-0357), through MongoosePush',
    '',
    'Usage: xmpp-pushd COMMAND [OPTIONS]',
    '',
    ...lines,
    '  --version, --help',
    '',
    'Exit status: 0 clean stop; 78 faulty configuration or command line; 75 something needed at the start',
    'is not there and may come back; 70 a bug.',
  ].join('\n')
}

/** A command with what it takes, in one line. */
export function synopsis(command: Command): string {
  const options = Object.entries(command.options).map(([name, { value }]) =>
    value === undefined ? `[--${name}]` : `[--${name} ${value}]`,
  )
  return [command.name, ...options, command.operands].filter((part) => part !== '').join(' ')
}

function commandHelp(command: Command): string {
  const options = Object.entries(command.options).map(
    ([name, { value, about }]) => `  --${name}${value === undefined ? '' : ` ${value}`}\n      ${about}`,
  )
  return [`Usage: xmpp-pushd ${synopsis(command)}`, '', command.about, '', ...options].join('\n').trimEnd()
}
