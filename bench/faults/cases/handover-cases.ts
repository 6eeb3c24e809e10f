/** Planned restarts under load; in some, the old process or its successor is killed meanwhile. */
import { setTimeout as delay } from 'node:timers/promises'
import type { RestartState } from '../../../src/main/handover/restarts.ts'
import { until } from '../../../test/support/until.ts'
import { pick } from '../random.ts'
import { now, Rig } from '../rig.ts'
import { fine, weathers } from '../weather.ts'
import { type CaseOptions, type CaseReport, type FaultCase, report } from './fault-case.ts'

const handoverMs = 500
/** A handover begins and ends within this time, as a rule. */
const handoverTakesMs = 1_500
const patienceMs = 30_000

type Killed = 'nobody' | 'old' | 'successor'

function handover(killed: readonly [Killed, ...Killed[]]): FaultCase['run'] {
  return async ({ seed, seconds }: CaseOptions): Promise<CaseReport> => {
    const rig = await Rig.start({ seed, config: { log: { level: 'info' }, handover_ms: handoverMs } })
    try {
      const { source, gateway, ledger, random } = rig
      source.start({ rate: 300, sharedShare: 0.1 })
      const ends: Record<string, number> = {}
      for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
        await gateway.weather(
          pick(
            [fine, { ...fine, latencyMs: 200 }, weathers.everything ?? fine, weathers.down ?? fine],
            random,
          ),
        )
        await delay(300 + random() * 700)
        const whom = pick(killed, random)
        ledger.disturbed(now())
        const end =
          whom === 'nobody' ? await handOver(rig) : await killIn(rig, whom, random() * handoverTakesMs)
        ledger.disturbed(now())
        ends[end] = (ends[end] ?? 0) + 1
      }
      return report(await rig.settle(), ends)
    } finally {
      await rig[Symbol.asyncDispose]()
    }
  }
}

/** Nobody is killed: it has to succeed, with every stream. */
async function handOver({ daemon, ledger, source }: Rig): Promise<'taken over'> {
  const before = daemon.pid
  const opened = source.opened
  daemon.askForRestart()
  const after = await until(
    'another process',
    async () => {
      const state = (await daemon.json('/admin/process')) as RestartState | undefined
      if (state?.failed) ledger.fault('a handover that failed', state.failed.reason)
      return state !== undefined && (state.pid !== before || state.failed !== null) && state.pid
    },
    patienceMs,
  )
  daemon.takenOverBy(after)
  if (source.opened !== opened)
    ledger.fault('a stream that was opened anew', `${source.opened - opened} by ${after}`)
  return 'taken over'
}

/** Kills one of the two some time after a restart was asked for; then there is a daemon, whichever it is. */
async function killIn(
  { daemon, ledger }: Rig,
  whom: 'old' | 'successor',
  afterMs: number,
): Promise<'old killed' | 'successor killed'> {
  const old = daemon.pid
  const known = daemon.started.length
  daemon.askForRestart()
  const successor = await until('a successor', () => daemon.started[known], patienceMs)
  await delay(afterMs)
  ledger.disturbed(now())
  daemon.kill(whom === 'old' ? old : successor)
  const left = await until(
    'the other one to answer, or to have ended',
    async () => {
      if (!daemon.lives) return 'none'
      return ((await daemon.json('/admin/process')) as RestartState | undefined)?.pid
    },
    patienceMs,
  )
  if (left !== 'none') daemon.takenOverBy(left)
  else {
    daemon.start()
  }
  return `${whom} killed`
}

export const handoverCases: Readonly<Record<string, FaultCase>> = {
  handover: { about: 'planned restarts under load', run: handover(['nobody']) },
  'handover-killed': {
    about: 'planned restarts, and in each the old process or the new one is killed',
    run: handover(['old', 'successor']),
  },
}
