import { exitCodes } from '../exit-codes.ts'
import { type Command, configFileOf, configOption } from './command.ts'

export const checkCommand: Command = {
  name: 'check',
  operands: '',
  about: 'check a configuration: every fault on its own line',
  options: { config: configOption },
  takesRest: false,
  async run(options) {
    const configFile = configFileOf(options)
    const { loadConfigFile } = await import('../config/load.ts')
    const loaded = loadConfigFile(configFile)
    if (loaded.kind === 'faulty') {
      for (const fault of loaded.faults) console.log(fault)
      return exitCodes.config
    }
    for (const note of loaded.notes) console.log(`${configFile}: note: ${note}`)
    console.log(`${configFile}: no faults`)
    return exitCodes.ok
  },
}
