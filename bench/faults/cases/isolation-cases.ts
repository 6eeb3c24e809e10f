/**
 * One thing is bad, and the latency of all others is measured: first without it, then with it, in the same run. The
 * aim is that the others' p99 stays within twice its normal value.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Flood } from '../flood.ts'
import { Gateway } from '../gateway.ts'
import { Rig, type RigOptions } from '../rig.ts'
import { fine } from '../weather.ts'
import { type CaseOptions, type CaseReport, type FaultCase, report } from './fault-case.ts'
import { HostileServer } from './hostile-server.ts'

/** A gateway takes its time, as real ones do. */
const usual = { ...fine, latencyMs: 10 }
/** Not measured: caches, connections and compilers get warm, and a fault is noticed. */
const warmUpMs = 3_000

interface Isolation {
  readonly options?: Omit<RigOptions, 'seed'>
  /** Whose latency counts. */
  readonly others?: (sequence: number) => boolean
  /** Before anything is sent. */
  readonly attach?: (rig: Rig) => void
  begin(rig: Rig): Promise<void> | void
  /** When all is measured: resolves when it is over. */
  readonly end?: () => Promise<unknown>
}

async function measure(
  { options, others, attach, begin, end }: Isolation,
  { seed, seconds }: CaseOptions,
): Promise<CaseReport> {
  const rig = await Rig.start({ seed, ...options })
  try {
    const { source, gateway } = rig
    attach?.(rig)
    if (others !== undefined) source.measures = others
    await gateway.weather(usual)
    source.start({ rate: 400 })
    await delay(warmUpMs)
    source.takeLatencies()
    await delay(seconds * 1000)
    const normal = source.takeLatencies()
    await begin(rig)
    await delay(warmUpMs)
    const beginning = source.takeLatencies()
    await delay(seconds * 1000)
    const faulty = source.takeLatencies()
    await end?.()
    return report(await rig.settle(), {
      normalP50Ms: normal.p50,
      normalP99Ms: normal.p99,
      beginningP99Ms: beginning.p99,
      faultyP50Ms: faulty.p50,
      faultyP99Ms: faulty.p99,
      p99Ratio: Math.round((faulty.p99 / normal.p99) * 100) / 100,
    })
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

function isolation(about: string, isolated: Isolation): FaultCase {
  return { about, run: (options) => measure(isolated, options) }
}

/** Sequence numbers are even for FCM, odd for APNs. */
const toFcm = (sequence: number) => sequence % 2 === 0

async function deadUrl(options: CaseOptions): Promise<CaseReport> {
  const other = await Gateway.start({ seed: options.seed + 1 })
  try {
    await other.weather(usual)
    const begin = () => other.weather({ ...usual, down: true })
    const otherUrls = [`http://127.0.0.1:${other.port}`]
    const attach = (rig: Rig) => {
      other.ledger = rig.ledger
    }
    return await measure({ options: { otherUrls }, attach, begin }, options)
  } finally {
    await other[Symbol.asyncDispose]()
  }
}

async function hostileStanzas(options: CaseOptions): Promise<CaseReport> {
  const hostile = await HostileServer.start()
  try {
    const otherComponents = [{ domain: 'hostile.run.test', port: hostile.port }]
    const finding = await measure(
      { options: { otherComponents, config: { log: { level: 'error' } } }, begin: () => hostile.begin() },
      options,
    )
    return { ...finding, figures: { ...finding.figures, hostileStreams: hostile.streams } }
  } finally {
    await hostile[Symbol.asyncDispose]()
  }
}

/** Its answers, and what of it the gateway had, are no more than counted: what is not lost is shown by xmpp-flood. */
async function hostileFlood(options: CaseOptions): Promise<CaseReport> {
  const flood = await Flood.start('flood.run.test')
  let gateway: Gateway | undefined
  try {
    const finding = await measure(
      {
        options: { otherComponents: [flood], config: { queue: { max_pending: 5_000 } } },
        attach: (rig) => {
          gateway = rig.gateway
        },
        begin: () => flood.begin(warmUpMs / 1000 + options.seconds),
        end: () => flood.end(),
      },
      options,
    )
    const { allAnswers, errors, lost } = await flood.end()
    const figures = {
      floodSent: allAnswers + lost,
      floodAnswered: allAnswers,
      floodErrors: errors,
      floodDelivered: gateway?.ofFlood ?? 0,
    }
    return { ...finding, figures: { ...finding.figures, ...figures } }
  } finally {
    await flood[Symbol.asyncDispose]()
  }
}

export const isolationCases: Readonly<Record<string, FaultCase>> = {
  'isolation-dead-url': { about: 'one of two gateway URLs is dead', run: deadUrl },
  'isolation-dead-pool': isolation('all of APNs fails, FCM is measured', {
    others: toFcm,
    begin: ({ gateway }) => gateway.weather({ ...usual, unavailable: 1, services: ['apns'] }),
  }),
  'isolation-hung-pool': isolation('APNs never answers, FCM is measured', {
    others: toFcm,
    begin: ({ gateway }) => gateway.weather({ ...usual, hang: 1, services: ['apns'] }),
  }),
  'isolation-hostile-stanzas': {
    about: "another domain's server sends what it must not",
    run: hostileStanzas,
  },
  'isolation-hostile-flood': { about: "another domain's server floods", run: hostileFlood },
  'isolation-hung-worker': isolation('one of two workers hangs', {
    begin: ({ daemon }) => daemon.disturbWorkers('block 0'),
  }),
}
