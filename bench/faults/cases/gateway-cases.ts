/** The gateway misbehaves for a while: everything acknowledged arrives once it is well again. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Rig } from '../rig.ts'
import { fine, type Weather, weathers } from '../weather.ts'
import { type CaseOptions, type CaseReport, type FaultCase, report, watch } from './fault-case.ts'

const fixtures = new URL('../../../test/fixtures/tls/', import.meta.url)

/** Before the fault and after it: so long all is well. */
const calmMs = 1_500

function inWeather(about: string, weather: Weather): FaultCase {
  return { about, run: (options) => throughWeather(weather, options) }
}

async function throughWeather(weather: Weather, { seed, seconds }: CaseOptions): Promise<CaseReport> {
  const rig = await Rig.start({ seed })
  try {
    const { source, gateway } = rig
    source.start({ rate: 200 })
    await delay(calmMs)
    source.takeLatencies()
    await gateway.weather(weather)
    const memory = await watch(rig, seconds)
    const during = source.takeLatencies()
    await gateway.weather(fine)
    await delay(calmMs)
    return report(await rig.settle(), { ...memory, p50Ms: during.p50, p99Ms: during.p99 })
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

/** Its certificate is for another name, then right again. */
async function wrongCertificate({ seed, seconds }: CaseOptions): Promise<CaseReport> {
  const pem = (name: string) => readFileSync(new URL(name, fixtures), 'utf8')
  const right = { cert: pem('server.pem'), key: pem('server.key.pem') }
  const caFile = new URL('ca.pem', fixtures).pathname
  const rig = await Rig.start({
    seed,
    gateway: { tls: right },
    config: { mongoosepush: { tls: { ca_file: caFile } } },
  })
  try {
    rig.source.start({ rate: 200 })
    await delay(calmMs)
    rig.gateway.certificate(pem('other-name.pem'), pem('other-name.key.pem'))
    const memory = await watch(rig, seconds)
    rig.gateway.certificate(right.cert, right.key)
    await delay(calmMs)
    return report(await rig.settle(), memory)
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

/** Its name does not resolve; then the daemon is started again with a good one. */
async function noSuchName({ seed, seconds }: CaseOptions): Promise<CaseReport> {
  const rig = await Rig.prepare({ seed })
  try {
    const { daemon, config } = rig
    daemon.configure({ ...config, mongoosepush: { url: 'http://gateway.invalid:8443' } })
    daemon.start()
    rig.source.start({ rate: 100 })
    await delay(calmMs)
    const memory = await watch(rig, seconds)
    rig.source.pause()
    const code = await daemon.end('SIGTERM')
    if (code !== 0) rig.ledger.fault('a stop that did not end well', String(code))
    daemon.configure(config)
    daemon.start()
    return report(await rig.settle(), memory)
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

/** One of two URLs does not resolve: the other does all the work. */
async function oneNameOfTwo({ seed, seconds }: CaseOptions): Promise<CaseReport> {
  const rig = await Rig.start({ seed, otherUrls: ['http://gateway.invalid:8443'] })
  try {
    rig.source.start({ rate: 200 })
    const memory = await watch(rig, seconds)
    const { p50, p99 } = rig.source.takeLatencies()
    return report(await rig.settle(), { ...memory, p50Ms: p50, p99Ms: p99 })
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

const weather = (name: string): Weather => weathers[name] ?? fine

export const gatewayCases: Readonly<Record<string, FaultCase>> = {
  'gateway-down': inWeather('the gateway refuses connections', weather('down')),
  'gateway-black-hole': inWeather('the gateway takes requests and never answers', weather('black hole')),
  'gateway-slow': inWeather('one answer in ten comes after the daemon stopped waiting', weather('slow')),
  'gateway-half-closed': inWeather('three answers in ten end halfway', weather('half-closed')),
  'gateway-garbage': inWeather('three answers in ten are no HTTP', weather('garbage')),
  'gateway-503-1': inWeather('one answer in a hundred is 503', weather('one in a hundred 503')),
  'gateway-503-50': inWeather('every second answer is 503', weather('half of all 503')),
  'gateway-retry-after': inWeather('three answers in ten are 429 with Retry-After', weather('Retry-After')),
  'gateway-resets': inWeather('three connections in ten are reset', weather('resets')),
  'gateway-everything': inWeather('all of these, a little', weather('everything')),
  'gateway-tls': { about: "the gateway's certificate is for another name", run: wrongCertificate },
  'gateway-dns': { about: "the gateway's name does not resolve until a restart", run: noSuchName },
  'gateway-dns-one': { about: 'one of two gateway names does not resolve', run: oneNameOfTwo },
}
