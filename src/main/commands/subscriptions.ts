import { parseArgs } from 'node:util'
import type { Config } from '../config/config.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Command, configFileOf, configOption, UsageError } from './command.ts'
import { askDaemon, DaemonRequestError } from './daemon-request.ts'
import type { ImportOptions } from './import-subscriptions.ts'

const importKinds = ['json', 'mongooseim', 'ejabberd', 'prosody'] as const

export const subscriptionsUsage = `Usage: xmpp-pushd subscriptions WORD …  [--config FILE]

The daemon has to run: it is asked over HTTP, at http.listen of the configuration.

list                        all push subscriptions, each a line of JSON
show USER                   those of one user
disable USER JID [NODE]     as if the user's app had asked for it
remove-user USER            all of a user: the account is gone
remove-domain DOMAIN        all of a host's users
import FILE                 adds those in FILE (- for standard input) that are not there yet; what is faulty is named
                            and left out, and exit status 78

  --from ${importKinds.join('|')}
      what FILE is. json, the standard: lines of {"user": …, "jid": …, "node": …, "options": {…}, "enabled": TIME};
      mongooseim, ejabberd: the table of registrations as CSV or as tab-separated values, each with a header, or a
      dump of Mnesia; prosody: its data folder, that of one host, or one user's file
  --host HOST
      with --from ejabberd: the users' host, where the table has no server_host
  --dry-run
      with import: only count
  --strict
      with import: stop at the first fault; what stands before it is imported

  --config FILE
      ${configOption.about}`

interface Word {
  readonly operands: readonly [least: number, most: number]
  /** Resolves to the exit code. */
  run(config: Config, given: Given, ...operands: string[]): Promise<number>
}

type Given = ReturnType<typeof parse>['values']

const words: Readonly<Record<string, Word>> = {
  list: {
    operands: [0, 0],
    async run(config, _given) {
      for (let next: unknown = ''; typeof next === 'string'; ) {
        const after = next === '' ? '' : `&after=${encodeURIComponent(next)}`
        const page = await askDaemon(config, 'GET', `/admin/subscriptions?limit=1000${after}`)
        printEach(page.subscriptions)
        next = page.next
      }
      return exitCodes.ok
    },
  },
  show: {
    operands: [1, 1],
    async run(config, _given, user = '') {
      const path = `/admin/subscriptions?user=${encodeURIComponent(user)}`
      printEach((await askDaemon(config, 'GET', path)).subscriptions)
      return exitCodes.ok
    },
  },
  disable: {
    operands: [2, 3],
    run: (config, _given, user, jid, node) => post(config, 'disable', { user, jid, node }),
  },
  'remove-user': { operands: [1, 1], run: (config, _given, user) => post(config, 'remove', { user }) },
  'remove-domain': {
    operands: [1, 1],
    run: (config, _given, domain) => post(config, 'remove', { domain }),
  },
  import: {
    operands: [1, 1],
    async run(config, given, path = '') {
      const options = importOptions(given, path)
      const { importSubscriptions } = await import('./import-subscriptions.ts')
      return importSubscriptions(config, options)
    },
  },
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
      console.log(subscriptionsUsage)
      return exitCodes.ok
    }
    const [name = '', ...operands] = positionals
    const word = Object.hasOwn(words, name) ? words[name] : undefined
    if (word === undefined) {
      throw new UsageError(
        `subscriptions takes one of ${Object.keys(words).join(', ')}\n\n${subscriptionsUsage}`,
      )
    }
    const [least, most] = word.operands
    if (operands.length < least || operands.length > most) {
      throw new UsageError(`subscriptions ${name}: wrong number of words\n\n${subscriptionsUsage}`)
    }
    const importing = ['from', 'host', 'dry-run', 'strict'].find((option) => option in values)
    if (importing !== undefined && name !== 'import') {
      throw new UsageError(`subscriptions ${name} takes no --${importing}`)
    }
    return runWord(word, values, operands, configFileOf({ config: values.config }))
  },
}

function parse(rest: readonly string[]) {
  try {
    return parseArgs({
      args: [...rest],
      options: {
        config: { type: 'string' },
        from: { type: 'string' },
        host: { type: 'string' },
        'dry-run': { type: 'boolean' },
        strict: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
    })
  } catch (error) {
    throw new UsageError(
      `subscriptions: ${error instanceof Error ? error.message : String(error)}\n\n${subscriptionsUsage}`,
    )
  }
}

function importOptions(given: Given, path: string): ImportOptions {
  const kind = importKinds.find((one) => one === (given.from ?? 'json'))
  if (kind === undefined)
    throw new UsageError(`subscriptions import: --from takes one of ${importKinds.join(', ')}`)
  if (given.host !== undefined && kind !== 'ejabberd') {
    throw new UsageError('subscriptions import: --host is for --from ejabberd; the others say it themselves')
  }
  return {
    kind,
    path,
    host: given.host,
    isDryRun: given['dry-run'] === true,
    isStrict: given.strict === true,
  }
}

async function runWord(
  word: Word,
  given: Given,
  operands: readonly string[],
  configFile: string,
): Promise<number> {
  const { loadConfigFile } = await import('../config/load.ts')
  const loaded = loadConfigFile(configFile)
  if (loaded.kind === 'faulty') {
    for (const fault of loaded.faults) console.error(fault)
    return exitCodes.config
  }
  try {
    return await word.run(loaded.config, given, ...operands)
  } catch (error) {
    if (!(error instanceof DaemonRequestError)) throw error
    console.error(`xmpp-pushd: ${error.message}`)
    return error.transient ? exitCodes.tempFail : exitCodes.config
  }
}

async function post(config: Config, what: string, body: object): Promise<number> {
  console.log(JSON.stringify(await askDaemon(config, 'POST', `/admin/subscriptions/${what}`, body)))
  return exitCodes.ok
}

function printEach(subscriptions: unknown): void {
  for (const subscription of Array.isArray(subscriptions) ? subscriptions : []) {
    console.log(JSON.stringify(subscription))
  }
}
