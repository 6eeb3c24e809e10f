import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Config } from '../config/config.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Command, configFileOf, configOption, UsageError } from './command.ts'
import { askDaemon, DaemonRequestError } from './daemon-request.ts'

const usage = `Usage: xmpp-pushd subscriptions WORD …  [--config FILE]

The daemon has to run: it is asked over HTTP, at http.listen of the configuration.

list                        all push subscriptions, each a line of JSON
show USER                   those of one user
disable USER JID [NODE]     as if the user's app had asked for it
remove-user USER            all of a user: the account is gone
remove-domain DOMAIN        all of a host's users
import FILE                 adds those in FILE (- for standard input) that are not there yet, each a line of JSON:
                            {"user": …, "jid": …, "node": …, "options": {…}, "enabled": TIME}

  --config FILE
      ${configOption.about}`

/** Lines of a file that are imported in one request. */
const importBatch = 500

interface Word {
  readonly operands: readonly [least: number, most: number]
  run(config: Config, ...operands: string[]): Promise<void>
}

const words: Readonly<Record<string, Word>> = {
  list: {
    operands: [0, 0],
    async run(config) {
      for (let next: unknown = ''; typeof next === 'string'; ) {
        const after = next === '' ? '' : `&after=${encodeURIComponent(next)}`
        const page = await askDaemon(config, 'GET', `/admin/subscriptions?limit=1000${after}`)
        printEach(page.subscriptions)
        next = page.next
      }
    },
  },
  show: {
    operands: [1, 1],
    async run(config, user = '') {
      const path = `/admin/subscriptions?user=${encodeURIComponent(user)}`
      printEach((await askDaemon(config, 'GET', path)).subscriptions)
    },
  },
  disable: {
    operands: [2, 3],
    run: (config, user, jid, node) => post(config, 'disable', { user, jid, node }),
  },
  'remove-user': { operands: [1, 1], run: (config, user) => post(config, 'remove', { user }) },
  'remove-domain': { operands: [1, 1], run: (config, domain) => post(config, 'remove', { domain }) },
  import: { operands: [1, 1], run: (config, file = '') => importFile(config, file) },
}

export const subscriptionsCommand: Command = {
  name: 'subscriptions',
  operands: 'list|show|disable|remove-user|remove-domain|import … [--config FILE]',
  about: 'look at and change the push subscriptions of users, with the daemon running',
  options: {},
  takesRest: true,
  async run(_options, rest) {
    const { values, positionals } = parse(rest)
    if (values.help === true) {
      console.log(usage)
      return exitCodes.ok
    }
    const [name = '', ...operands] = positionals
    const word = Object.hasOwn(words, name) ? words[name] : undefined
    if (word === undefined) {
      throw new UsageError(`subscriptions takes one of ${Object.keys(words).join(', ')}\n\n${usage}`)
    }
    const [least, most] = word.operands
    if (operands.length < least || operands.length > most) {
      throw new UsageError(`subscriptions ${name}: wrong number of words\n\n${usage}`)
    }
    return runWord(word, operands, configFileOf({ config: values.config }))
  },
}

function parse(rest: readonly string[]) {
  try {
    return parseArgs({
      args: [...rest],
      options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw new UsageError(
      `subscriptions: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`,
    )
  }
}

async function runWord(word: Word, operands: readonly string[], configFile: string): Promise<number> {
  const { loadConfigFile } = await import('../config/load.ts')
  const loaded = loadConfigFile(configFile)
  if (loaded.kind === 'faulty') {
    for (const fault of loaded.faults) console.error(fault)
    return exitCodes.config
  }
  try {
    await word.run(loaded.config, ...operands)
    return exitCodes.ok
  } catch (error) {
    if (!(error instanceof DaemonRequestError)) throw error
    console.error(`xmpp-pushd: ${error.message}`)
    return error.transient ? exitCodes.tempFail : exitCodes.config
  }
}

async function post(config: Config, what: string, body: object): Promise<void> {
  console.log(JSON.stringify(await askDaemon(config, 'POST', `/admin/subscriptions/${what}`, body)))
}

async function importFile(config: Config, file: string): Promise<void> {
  const lines = textOf(file).split('\n')
  let imported = 0
  let known = 0
  for (let first = 0; first < lines.length; first += importBatch) {
    const subscriptions = lines.slice(first, first + importBatch).flatMap((line, i) => {
      return line.trim() === '' ? [] : [parseLine(line, `${file}:${first + i + 1}`)]
    })
    const answer = await askDaemon(config, 'POST', '/admin/subscriptions/import', { subscriptions })
    imported += Number(answer.imported)
    known += Number(answer.known)
  }
  console.log(JSON.stringify({ imported, known }))
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new UsageError(`subscriptions import: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parseLine(line: string, place: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new UsageError(`${place}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function printEach(subscriptions: unknown): void {
  for (const subscription of Array.isArray(subscriptions) ? subscriptions : []) {
    console.log(JSON.stringify(subscription))
  }
}
