/** The XMPP server misbehaves: no answer is lost on a stream that is up, none comes twice. */
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../../test/support/until.ts'
import { Rig } from '../rig.ts'
import type { Load } from '../source.ts'
import { fine } from '../weather.ts'
import { type CaseOptions, type CaseReport, type FaultCase, report, watch } from './fault-case.ts'

/** Between two times that the streams are broken. */
const betweenMs = 1_500

/** Breaks the streams again and again; they come back. */
function broken(about: string, breakStreams: (rig: Rig) => void | Promise<void>): FaultCase {
  return {
    about,
    async run({ seed, seconds }) {
      const rig = await Rig.start({ seed })
      try {
        // So that there are always some under way.
        await rig.gateway.weather({ ...fine, latencyMs: 100 })
        rig.source.start({ rate: 300 })
        let breaks = 0
        for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; breaks++) {
          await delay(betweenMs)
          const { opened } = rig.source
          await breakStreams(rig)
          await until('the streams to come back', () => rig.source.opened > opened, 20_000)
        }
        const { opened, notAccepted } = rig.source
        return report(await rig.settle(), { breaks, streamsOpened: opened, notAccepted })
      } finally {
        await rig[Symbol.asyncDispose]()
      }
    },
  }
}

async function restart(rig: Rig): Promise<void> {
  rig.source.refuse()
  for (const stream of rig.source.open) stream.cut()
  await delay(500)
  await rig.source.listen()
}

/** Nothing comes out of them any more, and nothing that goes in is read. */
function deafen(rig: Rig): void {
  for (const stream of rig.source.open) stream.isDeaf = true
}

function written(about: string, load: Partial<Load>): FaultCase {
  return {
    about,
    async run({ seed, seconds }) {
      const rig = await Rig.start({ seed })
      try {
        rig.source.start(load)
        const memory = await watch(rig, seconds)
        return report(await rig.settle(), memory)
      } finally {
        await rig[Symbol.asyncDispose]()
      }
    },
  }
}

/** What the gateway can take is known, and ten times as much comes. */
async function flood({ seed, seconds }: CaseOptions): Promise<CaseReport> {
  const connections = 32
  const latencyMs = 20
  const capacity = connections / (latencyMs / 1000)
  const rig = await Rig.start({
    seed,
    config: { mongoosepush: { max_http_connections: connections }, queue: { max_pending: 5_000 } },
  })
  try {
    const { source, gateway, daemon } = rig
    await gateway.weather({ ...fine, latencyMs })
    const rate = capacity * 10
    source.start({ rate, window: Number.POSITIVE_INFINITY })
    const memory = await watch(rig, seconds)
    source.pause()
    const storedAtEnd = (await daemon.metric('stored')) ?? 0
    const { heldBack } = source
    const findings = await rig.settle(600_000)
    return report(findings, { ...memory, capacity, offered: rate * seconds, heldBack, storedAtEnd })
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

export const xmppCases: Readonly<Record<string, FaultCase>> = {
  'xmpp-restart': broken('the XMPP server restarts', restart),
  'xmpp-stream-error': broken('the XMPP server ends streams with an error', ({ source }) => {
    for (const stream of source.open) stream.fail('system-shutdown')
  }),
  'xmpp-reset': broken('the connections are reset', ({ source }) => {
    for (const stream of source.open) stream.reset()
  }),
  'xmpp-half-open': broken('the streams are there and say nothing more', deafen),
  'xmpp-bytes': written('publishes come one byte at a time', { rate: 5, style: 'bytes' }),
  'xmpp-bursts': written('publishes come in pieces of 64 KiB', {
    rate: 500,
    style: 'bursts',
    paddingBytes: 900,
  }),
  'xmpp-flood': { about: 'ten times what a slow gateway can take', run: flood },
}
