/**
 * What a planned restart costs those who publish: the slowest answer while the daemon hands over to its successor, under 100
 * publishes a second. The XMPP server and the gateway are the sandbox's, in this process; the daemon's environment is that of the
 * unit in systemd/. The first round, which fills the cache of compiled code, is not counted. It fails when a connection is
 * closed, or a push is lost or sent twice.
 *
 * node bench/restart/handover.ts [--rounds N] [--name NAME]
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { startDaemon } from '../../test/support/daemon.ts'
import { writeResult } from '../results.ts'
import { unitEnvironment } from '../unit-environment.ts'
import { publish, spread } from './publish.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    name: { type: 'string', default: 'restart-handover' },
  },
})

const domain = 'push.example.com'
const connections = 2
const publishEveryMs = 10
/** Around each handover. */
const calmMs = 1_000

const gateway = await startGatewaySandbox({ keep: 1_000_000, latencyMs: 5 })
const xmpp = await startXmppSandbox({ domains: { [domain]: 'a secret' }, keep: 10 })
const cache = join('/tmp', `pushd-handover-cache-${process.pid}`)
const daemon = await startDaemon(
  {
    component: [{ domain, server: `127.0.0.1:${xmpp.port}`, secret: 'a secret', pubsub: false, connections }],
    push: { served_hosts: ['example.com'], virtual_pubsub_hosts: [domain] },
    mongoosepush: { url: gateway.url },
  },
  'ready',
  unitEnvironment(cache),
)
await xmpp.waitForStreams(domain, connections)

let sent = 0
const rounds: { readonly slowestMs: number; readonly calmMs: number }[] = []
for (let round = 0; round <= Number(values.rounds); round++) {
  const calm = await slowest(async () => undefined)
  const slowestMs = await slowest(async () => {
    const { code, output } = await daemon.restart()
    if (code !== 0) throw new Error(output)
  })
  if (round > 0) rounds.push({ slowestMs, calmMs: calm })
}
const pushed = new Set(gateway.requests.map(({ deviceId }) => deviceId)).size
const faults = { closed: xmpp.closed.length, lost: sent - pushed, twice: gateway.total - pushed }
await daemon[Symbol.asyncDispose]()
await Promise.all([gateway.close(), xmpp.close()])

const result = {
  rounds: rounds.length,
  publishesPerSecond: 1000 / publishEveryMs,
  published: sent,
  slowestAnswerMs: spread(rounds.map(({ slowestMs }) => slowestMs)),
  slowestAnswerWithoutMs: spread(rounds.map((round) => round.calmMs)),
  faults,
}
console.table({ handover: result.slowestAnswerMs, 'without one': result.slowestAnswerWithoutMs })
console.log(faults)
writeResult(values.name, result)
if (faults.closed + faults.lost + faults.twice > 0) process.exitCode = 1

/** The slowest answer to what is published while this goes on, and for a while after it. */
async function slowest(meanwhile: () => Promise<void>): Promise<number> {
  const answers: Promise<number>[] = []
  const timer = setInterval(() => {
    const sinceMs = performance.now()
    const answer = xmpp.request(domain, publish(domain, sent++), { timeoutMs: 30_000 })
    answers.push(answer.then(() => performance.now() - sinceMs))
  }, publishEveryMs)
  await meanwhile()
  await new Promise((resolve) => setTimeout(resolve, calmMs))
  clearInterval(timer)
  return Math.round(Math.max(...(await Promise.all(answers))))
}
