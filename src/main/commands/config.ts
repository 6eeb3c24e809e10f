import { readFile } from 'node:fs/promises'
import { exitCodes } from '../exit-codes.ts'
import { type Command, UsageError } from './command.ts'

export const configCommand: Command = {
  name: 'config',
  operands: '',
  about:
    'print a configuration: all of it with its defaults, each key explained, or what another one comes to',
  options: {
    defaults: { value: undefined, about: 'every key with its default' },
    'from-mongoosepush': {
      value: 'FILE',
      about:
        'the [gateway] tables that do what MongoosePush did with FILE, its TOML file or a file with the PUSH_... of its environment (of which ours is taken too, if it is a TOML file)',
    },
  },
  takesRest: false,
  async run(options) {
    const file = options['from-mongoosepush']
    if ((options.defaults === true) === (typeof file === 'string')) {
      throw new UsageError('config needs --defaults or --from-mongoosepush FILE')
    }
    if (typeof file === 'string') return printFromMongoosepush(file)
    const { defaultsText } = await import('../config/defaults-text.ts')
    process.stdout.write(defaultsText())
    return exitCodes.ok
  },
}

async function printFromMongoosepush(file: string): Promise<number> {
  const [{ Faults, faultLine }, { gatewayTables, parseEnvironment }, { parseDocument }] = await Promise.all([
    import('../config/faults.ts'),
    import('../config/from-mongoosepush.ts'),
    import('../config/toml-document.ts'),
  ])
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file}: cannot be read: ${error.code ?? error.message}`)
  })
  const environment = parseEnvironment(bytes.toString())
  if (environment !== undefined) {
    process.stdout.write(gatewayTables(undefined, environment))
    return exitCodes.ok
  }
  const faults = new Faults()
  const toml = parseDocument(bytes, faults)
  for (const fault of faults.list) console.error(faultLine(file, fault))
  if (toml === undefined) return exitCodes.config
  process.stdout.write(gatewayTables(toml, process.env))
  return exitCodes.ok
}
