import { type Command, configFileOf, configOption } from './command.ts'

export const startCommand: Command = {
  name: 'start',
  operands: '',
  about: 'run the daemon in the foreground',
  options: { config: configOption },
  takesRest: false,
  async run(options) {
    const configFile = configFileOf(options)
    // Loaded here, so that the other commands need not wait for what only the daemon needs.
    const { runDaemon } = await import('../run-daemon.ts')
    return runDaemon({ configFile })
  },
}
