import { runCommandLine } from './command-line.ts'

// At SIGUSR1 Node.js opens an inspector: any local user may connect to it and run code as this user. A listener prevents
// that, however the process was started; `--disable-sigusr1`, where we start Node.js, covers the time before.
process.on('SIGUSR1', () => {})

// Who reads our output may stop reading it (`xmpp-pushd config --defaults | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runCommandLine(process.argv.slice(2))
