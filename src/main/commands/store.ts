import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exitCodes } from '../exit-codes.ts'
import { type Command, configFileOf, configOption, type GivenOptions, UsageError } from './command.ts'

const words = ['backup', 'check', 'stats'] as const
type Word = (typeof words)[number]

export const storeUsage = `Usage: xmpp-pushd store backup --to FILE | check | stats  [--config FILE]

backup   write a copy of the store to a new FILE, while the daemon runs or not; to restore it, stop the daemon
         and put the copy in the place of store.mdb in data_dir
check    read everything in the store; each fault on its own line, and exit status 78
stats    what is in the store, as JSON

  --config FILE
      ${configOption.about}`

export const storeCommand: Command = {
  name: 'store',
  operands: 'backup|check|stats [--config FILE] [--to FILE]',
  about: 'copy, check or look at what is kept in data_dir; the daemon may be running',
  options: {},
  takesRest: true,
  async run(_options, rest) {
    const { word, options } = parse(rest)
    if (word === undefined) {
      console.log(storeUsage)
      return exitCodes.ok
    }
    return runStore(word, options)
  },
}

function parse(rest: readonly string[]): { word: Word | undefined; options: GivenOptions } {
  const known = {
    config: { type: 'string' },
    to: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const
  let parsed: { values: { config?: string; to?: string; help?: boolean }; positionals: string[] }
  try {
    parsed = parseArgs({ args: [...rest], options: known, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`store: ${error instanceof Error ? error.message : String(error)}\n\n${storeUsage}`)
  }
  const { values, positionals } = parsed
  if (values.help === true) return { word: undefined, options: {} }
  const word = words.find((candidate) => candidate === positionals[0])
  if (word === undefined || positionals.length > 1)
    throw new UsageError(`store takes one of ${words.join(', ')}\n\n${storeUsage}`)
  if ((word === 'backup') !== (values.to !== undefined)) {
    throw new UsageError(word === 'backup' ? 'store backup needs --to FILE' : `store ${word} takes no --to`)
  }
  return { word, options: { config: values.config, to: values.to } }
}

async function runStore(word: Word, options: GivenOptions): Promise<number> {
  const configFile = configFileOf(options)
  const [{ loadConfigFile }, { StoreError }] = await Promise.all([
    import('../config/load.ts'),
    import('../store/store-error.ts'),
  ])
  const loaded = loadConfigFile(configFile)
  if (loaded.kind === 'faulty') {
    for (const fault of loaded.faults) console.error(fault)
    return exitCodes.config
  }
  try {
    const dataDir = loaded.config.data_dir
    return await (word === 'check' ? check(dataDir) : inspect(dataDir, word, options))
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    console.error(`xmpp-pushd: ${error.message}`)
    return error.transient ? exitCodes.tempFail : exitCodes.config
  }
}

async function check(dataDir: string): Promise<number> {
  const { checkStore } = await import('../store/check-store.ts')
  const file = join(dataDir, 'store.mdb')
  const faults = await checkStore(dataDir)
  for (const fault of faults) console.log(`${file}: ${fault}`)
  if (faults.length === 0) console.log(`${file}: no faults`)
  return faults.length === 0 ? exitCodes.ok : exitCodes.config
}

async function inspect(dataDir: string, word: 'backup' | 'stats', options: GivenOptions): Promise<number> {
  const { StoreInspection } = await import('../store/inspection.ts')
  const store = new StoreInspection(dataDir)
  try {
    if (word === 'stats') {
      console.log(JSON.stringify(store.stats(), undefined, 2))
    } else {
      await store.backup(String(options.to))
      console.log(`${store.file} is copied to ${options.to}`)
    }
    return exitCodes.ok
  } finally {
    await store[Symbol.asyncDispose]()
  }
}
