import { runCommandLine } from './command-line.ts'

// Who reads our output may stop reading it (`xmpp-pushd config --defaults | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runCommandLine(process.argv.slice(2))
