/** The demo's last act: a burst nobody could read, its figures, and a look at the daemon's own. */
import { plainPublish } from './demo-acts.ts'
import type { DemoRun } from './demo-run.ts'
import { demoDomain } from './demo-stage.ts'

const measuredPublishes = 300
const burstPublishes = 2_000

export interface DemoFigures {
  /** Stanza written → answer read, sorted, in milliseconds. */
  readonly latenciesMs: readonly number[]
  readonly burstMs: number
}

/** Publishes one after another, then many in one write. */
export async function measure(run: DemoRun): Promise<DemoFigures> {
  const latenciesMs: number[] = []
  for (let i = 0; i < measuredPublishes; i++) {
    const iq = plainPublish(run)
    const startedMs = performance.now()
    const answer = await run.ask(iq)
    latenciesMs.push(performance.now() - startedMs)
    run.count(answer)
  }
  const iqs = Array.from({ length: burstPublishes }, () => plainPublish(run))
  const startedMs = performance.now()
  const answers = await run.stage.server.requestAll(demoDomain, iqs)
  const burstMs = performance.now() - startedMs
  for (const answer of answers) run.count(answer)
  return { latenciesMs: latenciesMs.sort((a, b) => a - b), burstMs }
}

export function showFigures(run: DemoRun, { latenciesMs, burstMs }: DemoFigures): void {
  const { screen } = run
  const { paint } = screen
  const total = [...run.outcomes.values()].reduce((sum, count) => sum + count, 0)
  const row = (name: string, value: string, note: string) =>
    screen.line(`   ${name.padEnd(48)}${paint(value.padStart(8), 'bold')}   ${paint(note, 'dim')}`)

  row('publishes', String(total), `${run.stage.gateway.total} requests reached the gateway`)
  for (const [outcome, count] of run.outcomes) row(`  ${outcome}`, String(count), meanings[outcome] ?? '')
  screen.line()
  const at = (share: number) => latenciesMs[Math.floor(share * (latenciesMs.length - 1))] ?? 0
  row('latency p50, ms', at(0.5).toFixed(2), 'publish → answer, one at a time')
  row('latency p90, ms', at(0.9).toFixed(2), '')
  row('latency p99, ms', at(0.99).toFixed(2), '')
  row(
    `${burstPublishes} in one write, per second`,
    Math.round((burstPublishes / burstMs) * 1000).toString(),
    'all three parties on the same cores',
  )
}

const meanings: Readonly<Record<string, string>> = {
  result: 'delivered',
  'cancel/not-acceptable + device-not-registered': 'the device is gone',
  'auth/forbidden': 'forged',
  'cancel/conflict + precondition-not-met': 'no device options',
}

const shownMetrics = [
  /^xmpp_pushd_publishes_total\{.*result="delivered".*\}/,
  /^xmpp_pushd_gateway_requests_total\{.*status="503".*\}/,
  /^xmpp_pushd_dead_devices\b/,
]

/** Three of the daemon's metrics, as Prometheus would read them. */
export async function showMetrics(run: DemoRun): Promise<void> {
  const { screen, stage } = run
  const response = await fetch(`${stage.httpUrl}/metrics`)
  const lines = (await response.text()).split('\n')
  screen.line()
  screen.line(`   ${screen.paint(`GET ${stage.httpUrl}/metrics`, 'bold')}, among much else:`)
  const found = shownMetrics.map((metric) => lines.find((line) => metric.test(line) && !line.endsWith(' 0')))
  for (const line of found) if (line !== undefined) screen.line(`     ${screen.paint(line, 'cyan')}`)
  screen.line()
  run.check(
    found.every((line) => line !== undefined),
    'The daemon has counted what was seen here.',
  )
}
