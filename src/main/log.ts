import { fstatSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type DestinationStream, type Logger, pino } from 'pino'

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
  const journal = output === undefined && isJournal(process.env.JOURNAL_STREAM)
  const pretty = options.format === 'pretty' ? prettyLine(output === undefined) : undefined
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: neverShown.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
    },
    journal || pretty !== undefined ? rewritten(destination, pretty, journal) : destination,
  )
}

/** Whether standard output is what systemd says to be the journal: somebody may have sent it elsewhere since. */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false
  const { dev, ino } = fstatSync(1)
  return stream === `${dev}:${ino}`
}

/**
 * Passes lines on in another form; as they come, unlike pino-pretty's own stream: a line is out when the call that
 * logs it returns. For the journal each begins with its priority (sd-daemon(3)), which the journal takes away again.
 */
function rewritten(
  destination: DestinationStream,
  pretty: ((line: string) => string) | undefined,
  journal: boolean,
): DestinationStream {
  const stream = {
    // Has pino tell the level of each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write(line: string): void {
      const shown = pretty === undefined ? line : pretty(line)
      destination.write(journal ? `<${priority(stream.lastLevel)}>${shown}` : shown)
    },
  }
  return stream
}

/** syslog's, from pino's level. */
function priority(level: number): number {
  if (level >= 60) return 2
  if (level >= 50) return 3
  if (level >= 40) return 4
  return level >= 30 ? 6 : 7
}

function prettyLine(isOutput: boolean): (line: string) => string {
  // Loaded where it is wanted: it takes a while.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty')
  return prettyFactory({
    colorize: isOutput && process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  })
}
