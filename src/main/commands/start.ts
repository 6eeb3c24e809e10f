import { exitCodes } from '../exit-codes.ts'
import { handoverFormat } from '../handover/message.ts'
import { Predecessor } from '../handover/predecessor.ts'
import { takeOverOption } from '../handover/successor-command.ts'
import { stopSignals } from '../stop-signals.ts'
import { type Command, configFileOf, configOption, UsageError } from './command.ts'

export const startCommand: Command = {
  name: 'start',
  operands: '',
  about: 'run the daemon in the foreground',
  options: {
    config: configOption,
    [takeOverOption]: {
      value: 'FORMAT',
      about: 'take over from the daemon that starts this process: `restart` has it do so',
    },
  },
  takesRest: false,
  async run(options) {
    const configFile = configFileOf(options)
    const format = options[takeOverOption]
    const predecessor = format === undefined ? undefined : await predecessorOf(format)
    // Loading takes a while. Until it is done there is nothing to stop, nor to hand over, and the configuration is yet to be read.
    for (const signal of ignored) process.on(signal, ignore)
    for (const signal of stopSignals) process.on(signal, quit)
    try {
      // Loaded here, so that the other commands need not wait for what only the daemon needs.
      const { runDaemon } = await import('../run-daemon.ts')
      const running = runDaemon({ configFile, predecessor })
      // Only now that it listens itself: a signal that nobody listens to, be it for an instant, is lost.
      stopQuitting()
      return await running
    } finally {
      stopQuitting()
      for (const signal of ignored) process.off(signal, ignore)
    }
  },
}

const ignored = ['SIGHUP', 'SIGUSR2'] as const

/** @throws {UsageError} when nobody has started this process so, or who did hands over in another format. */
async function predecessorOf(format: string | true): Promise<Predecessor> {
  const predecessor = Predecessor.present()
  if (predecessor === undefined) {
    throw new UsageError(`start: --${takeOverOption} is for the daemon itself: use "xmpp-pushd restart"`)
  }
  if (format === String(handoverFormat)) return predecessor
  const reason = `the daemon that runs hands over in format ${format}, and this version takes over in ${handoverFormat}`
  await predecessor.say({ kind: 'failed', reason })
  throw new UsageError(`start: ${reason}`)
}

function ignore(): void {}

function quit(): void {
  process.exit(exitCodes.ok)
}

function stopQuitting(): void {
  for (const signal of stopSignals) process.off(signal, quit)
}
