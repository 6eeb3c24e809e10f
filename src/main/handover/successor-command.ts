import { handoverFormat } from './message.ts'

/** The option of `start` that makes it a successor; its value is the format of the old daemon's messages. */
export const takeOverOption = 'take-over'

/** The program as it is installed now, which may be another version than this one. */
export function successorCommand(configFile: string): readonly string[] {
  const [, program] = process.argv
  if (program === undefined) throw new Error('the daemon does not know the program that it runs')
  const format = String(handoverFormat)
  return [
    process.execPath,
    ...process.execArgv,
    program,
    'start',
    '--config',
    configFile,
    `--${takeOverOption}`,
    format,
  ]
}

/** Ours, but that systemd names us as who gives signs of life. */
export function successorEnvironment(): NodeJS.ProcessEnv {
  const { WATCHDOG_PID: _, ...env } = process.env
  return env
}
