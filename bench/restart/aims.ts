import { table } from '../markdown.ts'
import { readResult } from '../results.ts'
import type { AwayFigures, AwayFile } from './away-figures.ts'

const servers = ['ejabberd', 'Prosody', 'MongooseIM'] as const

interface Aim {
  readonly about: string
  readonly atLeast: string
  readonly aim: string
  /** The cases that show it, by the result that has them. */
  readonly cases: readonly (readonly [result: 'away' | 'systemd', name: string])[]
  readonly show: (figures: readonly AwayFigures[]) => string
}

const restart = ['away', 'planned restart'] as const
const upgrade = ['systemd', 'upgrade of the package'] as const
const reload = ['systemd', 'systemctl reload'] as const

const aims: readonly Aim[] = [
  ...(
    [
      ['planned restart (`xmpp-pushd restart`)', restart],
      ['upgrade of the Debian package', upgrade],
      ['`systemctl reload` with a change that needs a restart', reload],
    ] as const
  ).map(
    ([about, one]): Aim => ({
      about: `${about}: connections closed`,
      atLeast: '0',
      aim: '0',
      cases: [one],
      show: (figures) => String(sum(figures, ({ connectionsClosed }) => connectionsClosed)),
    }),
  ),
  {
    about: 'these three: the slowest push',
    atLeast: '–',
    aim: '500 ms',
    cases: [restart, upgrade, reload],
    show: (figures) => `${most(figures, ({ slowestPushMs }) => slowestPushMs.most)} ms`,
  },
  {
    about: 'these three: registrations lost',
    atLeast: '0',
    aim: '0',
    cases: [restart, upgrade, reload],
    show: (figures) => String(sum(figures, ({ lost }) => lost.all)),
  },
  {
    about: '`kill -9` under systemd: until the handshakes of all streams',
    atLeast: '600 ms',
    aim: '350 ms',
    cases: [['systemd', 'kill -9']],
    show: duration,
  },
  {
    about: 'restart of the XMPP server: from its listening until all streams are up',
    atLeast: '500 ms',
    aim: '250 ms',
    cases: [['away', 'server restart']],
    show: duration,
  },
  {
    about: 'a standby daemon takes over: until its stream is up',
    atLeast: '300 ms',
    aim: '10 ms',
    cases: [],
    show: duration,
  },
]

/** What restarts may cost, and what they were measured to cost. */
export function aimsTable(): string {
  const files = {
    away: readResult<AwayFile>('away')?.figures ?? [],
    systemd: readResult<AwayFile>('systemd')?.figures ?? [],
  }
  const rows = aims.map(({ about, atLeast, aim, cases, show }) => {
    const measured = servers.map((server) => {
      const figures = cases.flatMap(([result, name]) =>
        files[result].filter((one) => one.server === server && one.case === name),
      )
      return cases.length === 0 || figures.length < cases.length ? 'not measured' : show(figures)
    })
    return [about, atLeast, aim, ...measured]
  })
  return table(['', 'at least', 'aim', 'ejabberd', 'Prosody', 'MongooseIM (scripted)'], rows)
}

function duration([figures]: readonly AwayFigures[]): string {
  return figures === undefined ? '' : `${figures.awayMs.median} ms; ${figures.awayMs.most} ms`
}

function sum(figures: readonly AwayFigures[], of: (one: AwayFigures) => number): number {
  return figures.reduce((all, one) => all + of(one), 0)
}

function most(figures: readonly AwayFigures[], of: (one: AwayFigures) => number): number {
  return Math.max(...figures.map(of))
}
