import { type DestinationStream, type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export interface LogOptions {
  readonly level: LogLevel
  /** json: one object per line; pretty: for the eye. */
  readonly format: 'json' | 'pretty'
}

/**
 * Names under which a secret or what somebody wrote might come along by mistake; as they stand in a log
 * object or one level below. What is known to be secret is a `Secret`, which never shows itself.
 */
const neverShown = [
  'secret',
  'password',
  'token',
  'authorization',
  'body',
  'title',
  'content',
  'summary',
  'stanza',
  'xml',
]

/**
 * The daemon's log. Lines are written at once and in order: there is none per notification at info, and the
 * last one before an end is the one that matters.
 *
 * `output`: where lines go; undefined: standard output.
 */
export function createLog(options: LogOptions, output?: DestinationStream): Logger {
  const destination = output ?? pino.destination({ fd: 1, sync: true })
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: neverShown.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
    },
    options.format === 'pretty' ? prettyOnto(destination, output === undefined) : destination,
  )
}

/** Not pino-pretty's own stream, which writes later: a line is out when the call that logs it returns. */
function prettyOnto(destination: DestinationStream, isOutput: boolean): DestinationStream {
  const prettyLine = prettyFactory({
    colorize: isOutput && process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  })
  return { write: (line) => destination.write(prettyLine(line)) }
}
