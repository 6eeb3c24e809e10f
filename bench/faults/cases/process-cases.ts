/** The daemon is stopped under load, or a worker thread of it dies or hangs. */
import { setTimeout as delay } from 'node:timers/promises'
import { now, Rig } from '../rig.ts'
import { fine, weathers } from '../weather.ts'
import { type CaseOptions, type CaseReport, type FaultCase, report, watch } from './fault-case.ts'

const drainTimeoutMs = 3_000
/** Over the drain: what closing takes, on a busy machine. */
const closingMs = 4_000

/** SIGTERM while publishes come and go, again and again; the next daemon delivers what was stored. */
async function drain({ seed, seconds }: CaseOptions): Promise<CaseReport> {
  const rig = await Rig.start({ seed, config: { drain_timeout_ms: drainTimeoutMs } })
  try {
    const { source, gateway, daemon, ledger, random } = rig
    source.start({ rate: 300 })
    let stops = 0
    let longestStopMs = 0
    for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; stops++) {
      // A gateway that is slow, in trouble, or not there at all.
      const weather = [{ ...fine, latencyMs: 200 }, weathers.everything, weathers.down][stops % 3] ?? fine
      await gateway.weather(weather)
      await delay(500 + random() * 1_000)
      const startedMs = performance.now()
      const code = await daemon.end('SIGTERM')
      const tookMs = performance.now() - startedMs
      longestStopMs = Math.max(longestStopMs, tookMs)
      if (code !== 0) ledger.fault('a stop that did not end well', `${code}: ${daemon.output.slice(-2_000)}`)
      if (tookMs > drainTimeoutMs + closingMs) ledger.fault('a stop that took too long', `${tookMs} ms`)
      daemon.start()
      await daemon.ready()
    }
    return report(await rig.settle(), { stops, longestStopMs: Math.round(longestStopMs) })
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

/** The second signal: at once, and nothing acknowledged is lost either. */
async function secondSignal({ seed, seconds }: CaseOptions): Promise<CaseReport> {
  const rig = await Rig.start({ seed, config: { drain_timeout_ms: 60_000 } })
  try {
    const { source, gateway, daemon, ledger } = rig
    source.start({ rate: 300 })
    let stops = 0
    for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; stops++) {
      await gateway.weather({ ...fine, hang: 0.2, unavailable: 0.2 })
      await delay(1_000)
      const ended = daemon.end('SIGTERM')
      await delay(300)
      ledger.disturbed(now())
      const code = await daemon.end('SIGTERM')
      await ended
      if (code !== 0) ledger.fault('a stop that did not end well', `${code}: ${daemon.output.slice(-2_000)}`)
      daemon.start()
      await daemon.ready()
    }
    return report(await rig.settle(), { stops })
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

function disturbed(about: string, act: 'exit' | 'throw' | 'block'): FaultCase {
  return {
    about,
    async run({ seed, seconds }) {
      const rig = await Rig.start({ seed })
      try {
        const { source, gateway, daemon, ledger } = rig
        await gateway.weather({ ...fine, latencyMs: 20 })
        source.start({ rate: 300 })
        let disturbances = 0
        for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; disturbances++) {
          await delay(500)
          ledger.disturbed(now())
          daemon.disturbWorkers(`${act} ${disturbances % 2}`)
          // A thread that hangs is found out after ten missed beats.
          await watch(rig, act === 'block' ? 8 : 1)
          ledger.disturbed(now())
        }
        const replaced = (await daemon.metric('worker_restarts_total')) ?? 0
        if (replaced === 0) ledger.fault('no worker was replaced', `after ${disturbances} disturbances`)
        return report(await rig.settle(), { disturbances, replaced })
      } finally {
        await rig[Symbol.asyncDispose]()
      }
    },
  }
}

export const processCases: Readonly<Record<string, FaultCase>> = {
  drain: { about: 'SIGTERM under load', run: drain },
  'drain-second-signal': { about: 'a second SIGTERM during the drain', run: secondSignal },
  'worker-exit': disturbed('a worker thread ends', 'exit'),
  'worker-throw': disturbed('a worker thread throws', 'throw'),
  'worker-block': disturbed('a worker thread hangs', 'block'),
}
