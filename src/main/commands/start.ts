import { exitCodes } from '../exit-codes.ts'
import { stopSignals } from '../stop-signals.ts'
import { type Command, configFileOf, configOption } from './command.ts'

export const startCommand: Command = {
  name: 'start',
  operands: '',
  about: 'run the daemon in the foreground',
  options: { config: configOption },
  takesRest: false,
  async run(options) {
    const configFile = configFileOf(options)
    // Loading takes a while. Until it is done there is nothing to stop, and the configuration is yet to be read.
    process.on('SIGHUP', ignore)
    for (const signal of stopSignals) process.on(signal, quit)
    try {
      // Loaded here, so that the other commands need not wait for what only the daemon needs.
      const { runDaemon } = await import('../run-daemon.ts')
      const running = runDaemon({ configFile })
      // Only now that it listens itself: a signal that nobody listens to, be it for an instant, is lost.
      stopQuitting()
      return await running
    } finally {
      stopQuitting()
      process.off('SIGHUP', ignore)
    }
  },
}

function ignore(): void {}

function quit(): void {
  process.exit(exitCodes.ok)
}

function stopQuitting(): void {
  for (const signal of stopSignals) process.off(signal, quit)
}
