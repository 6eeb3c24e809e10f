/** FCM and APNs, asked directly, misbehave for a while: what is acknowledged arrives, and only what is in doubt twice. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ProviderAnswer } from '../../../src/sandbox/providers/provider-request.ts'
import type { ProviderSandbox } from '../../../src/sandbox/providers/provider-sandbox.ts'
import { Providers } from '../providers.ts'
import { now, Rig } from '../rig.ts'
import { type CaseOptions, type CaseReport, type FaultCase, report, watch } from './fault-case.ts'

/** Before the fault and after it: so long all is well. */
const calmMs = 1_500

interface Run {
  readonly providers: Providers
  readonly random: () => number
  /** What was under way may come twice. */
  disturbed(): void
}

/** Begins the trouble; what it returns ends it. */
type Trouble = (run: Run) => (() => unknown) | Promise<() => unknown>

function under(about: string, trouble: Trouble): FaultCase {
  return { about, run: (options) => through(trouble, options) }
}

async function through(trouble: Trouble, options: CaseOptions): Promise<CaseReport> {
  const providers = await Providers.start()
  try {
    return await withProviders(providers, trouble, options)
  } finally {
    await providers[Symbol.asyncDispose]()
  }
}

async function withProviders(
  providers: Providers,
  trouble: Trouble,
  { seed, seconds }: CaseOptions,
): Promise<CaseReport> {
  const rig = await Rig.start({ seed, config: providers.tables })
  try {
    const { source, ledger, random } = rig
    providers.ledger = ledger
    source.start({ rate: 200 })
    await delay(calmMs)
    source.takeLatencies()
    const end = await trouble({ providers, random, disturbed: () => ledger.disturbed(now()) })
    const memory = await watch(rig, seconds)
    const during = source.takeLatencies()
    await end()
    await delay(calmMs)
    for (const { breaches } of providers.all) {
      // What the wire does to a connection is none.
      for (const breach of breaches.filter((words) => !words.includes('ECONNRESET')))
        ledger.fault('a breach of HTTP/2', breach)
    }
    const findings = await rig.settle()
    const again: Record<string, number> = {}
    for (const cause of ['timeout', 'connection_lost', 'not_processed', 'connect_error', 'server_error']) {
      again[cause] = (await rig.daemon.metric('retries_total', { cause })) ?? 0
    }
    const connections = providers.all.reduce((sum, { connectionsMade }) => sum + connectionsMade, 0)
    return report(findings, { ...memory, p50Ms: during.p50, p99Ms: during.p99, connections, ...again })
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

/** Again and again, at each provider. */
function every(ms: number, act: (provider: ProviderSandbox, times: number, run: Run) => void): Trouble {
  return (run) => {
    let times = 0
    const timer = setInterval(() => {
      times++
      for (const provider of run.providers.all) act(provider, times, run)
    }, ms)
    return () => clearInterval(timer)
  }
}

function goAway(provider: ProviderSandbox, times: number): void {
  try {
    provider.goAway(times % 2 === 0 ? 'all' : 'answered')
  } catch (error) {
    // A connection that has just been made has answered nothing yet.
    if (!(error instanceof RangeError)) throw error
  }
}

/** A share of the requests is answered so. */
function some(share: number, answer: ProviderAnswer): Trouble {
  return ({ providers, random }) => {
    for (const provider of providers.all) provider.answerWith(() => (random() < share ? answer : undefined))
    return () => {
      for (const provider of providers.all) provider.answerWith(undefined)
    }
  }
}

/** New SETTINGS once the last ones are acknowledged. */
const changingSettings: Trouble = ({ providers }) => {
  let ended = false
  for (const provider of providers.all) void change(provider)
  return () => {
    ended = true
  }
  async function change(provider: ProviderSandbox): Promise<void> {
    for (let times = 0; !ended; times++) {
      provider.setMaxStreams([1, 100, 3, 1000][times % 4] ?? 1)
      await provider.settingsTaken().catch(() => undefined)
      await delay(50)
    }
    provider.setMaxStreams(1000)
  }
}

const away: Trouble = async ({ providers, disturbed }) => {
  disturbed()
  for (const { wire } of providers.all) {
    await wire.refuse()
    wire.cut()
  }
  return async () => {
    for (const { wire } of providers.all) await wire.accept()
  }
}

const halfOpen: Trouble = ({ providers, disturbed }) => {
  disturbed()
  for (const { wire } of providers.all) wire.freeze()
  return disturbed
}

const noTokens: Trouble = ({ providers: { fcm } }) => {
  fcm.oauth.answer = { status: 503 }
  fcm.oauth.revoke()
  return () => {
    fcm.oauth.answer = undefined
  }
}

export const providerCases: Readonly<Record<string, FaultCase>> = {
  'provider-goaway': under('APNs and FCM say GOAWAY, with and without processing', every(200, goAway)),
  'provider-settings': under('the streams that they allow change all the while', changingSettings),
  'provider-refused': under(
    'three streams in ten are refused, not processed',
    some(0.3, { status: 'refused' }),
  ),
  'provider-reset': under('one stream in ten is reset', some(0.1, { status: 'reset' })),
  'provider-hang': under('one request in twenty is never answered', some(0.05, { status: 'hang' })),
  'provider-503': under('every second answer is 503', some(0.5, { status: 503 })),
  'provider-cut': under(
    'connections are cut twice a second',
    every(500, (provider, _, { disturbed }) => {
      disturbed()
      provider.wire.cut()
      // What was taken by then is answered, one after the other, on connections that are gone.
      for (let ms = 5; ms <= 50; ms += 5) setTimeout(disturbed, ms)
    }),
  ),
  'provider-half-open': under('no byte gets through on the connections that are there', halfOpen),
  'provider-away': under('they refuse connections', away),
  'provider-oauth': under("FCM's access tokens are revoked, and there are no new ones", noTokens),
}
