import { parseArgs } from 'node:util'
import { exitCodes } from '../exit-codes.ts'
import type { StoreInspection } from '../store/inspection.ts'
import { type Command, configFileOf, configOption, type GivenOptions, UsageError } from './command.ts'

const words = ['backup', 'check', 'stats'] as const
type Word = (typeof words)[number]

const usage = `Usage: xmpp-pushd store backup --to FILE | check | stats  [--config FILE]

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
      console.log(usage)
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
    throw new UsageError(`store: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  }
  const { values, positionals } = parsed
  if (values.help === true) return { word: undefined, options: {} }
  const word = words.find((candidate) => candidate === positionals[0])
  if (word === undefined || positionals.length > 1)
    throw new UsageError(`store takes one of ${words.join(', ')}\n\n${usage}`)
  if ((word === 'backup') !== (values.to !== undefined)) {
    throw new UsageError(word === 'backup' ? 'store backup needs --to FILE' : `store ${word} takes no --to`)
  }
  return { word, options: { config: values.config, to: values.to } }
}

async function runStore(word: Word, options: GivenOptions): Promise<number> {
  const configFile = configFileOf(options)
  const [{ loadConfigFile }, { StoreInspection }, { StoreError }] = await Promise.all([
    import('../config/load.ts'),
    import('../store/inspection.ts'),
    import('../store/store-error.ts'),
  ])
  const loaded = loadConfigFile(configFile)
  if (loaded.kind === 'faulty') {
    for (const fault of loaded.faults) console.error(fault)
    return exitCodes.config
  }
  try {
    const store = new StoreInspection(loaded.config.data_dir)
    try {
      return await inspect(store, word, options)
    } finally {
      await store[Symbol.asyncDispose]()
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    console.error(`xmpp-pushd: ${error.message}`)
    return error.transient ? exitCodes.tempFail : exitCodes.config
  }
}

async function inspect(store: StoreInspection, word: Word, options: GivenOptions): Promise<number> {
  switch (word) {
    case 'stats':
      console.log(JSON.stringify(store.stats(), undefined, 2))
      return exitCodes.ok
    case 'check': {
      const faults = store.check()
      for (const fault of faults) console.log(`${store.file}: ${fault}`)
      if (faults.length === 0) console.log(`${store.file}: no faults`)
      return faults.length === 0 ? exitCodes.ok : exitCodes.config
    }
    case 'backup':
      await store.backup(String(options.to))
      console.log(`${store.file} is copied to ${options.to}`)
      return exitCodes.ok
  }
}
