import { exitCodes } from '../exit-codes.ts'
import { type Command, UsageError } from './command.ts'

export const configCommand: Command = {
  name: 'config',
  operands: '',
  about: 'print the whole configuration with its defaults, each key explained',
  options: { defaults: { value: undefined, about: 'print it (there is nothing else to print yet)' } },
  takesRest: false,
  async run(options) {
    if (options.defaults !== true) throw new UsageError('config needs --defaults')
    const { defaultsText } = await import('../config/defaults-text.ts')
    process.stdout.write(defaultsText())
    return exitCodes.ok
  },
}
