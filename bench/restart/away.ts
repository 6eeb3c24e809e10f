/**
 * What it costs the users of an XMPP server that the daemon is away: 200 of them with push, 100 messages a second to them
 * all the while, and in each round the daemon or the server is restarted.
 *
 * node bench/restart/away.ts [--server ejabberd|Prosody|MongooseIM] [--case NAME] [--rounds N] [--name NAME]
 *
 * ejabberd and Prosody are real, MongooseIM is scripted. Writes bench/results/away.json: of each server and case that was
 * run; the others stay as they were. The daemon's environment is that of the unit in systemd/, and XMPP_PUSHD_CLI names the
 * `cli` of another build, as for gap.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { componentDefaults } from '../../src/main/xmpp/component-options.ts'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { configFor } from '../../test/integration/set-up.ts'
import { type Daemon, startDaemon } from '../../test/support/daemon.ts'
import { Relay } from '../../test/support/relay.ts'
import { median } from '../median.ts'
import { readResult, writeResult } from '../results.ts'
import { unitEnvironment } from '../unit-environment.ts'
import type { AwayFigures } from './away-figures.ts'
import { type ChatServer, chatServers } from './chat-server.ts'

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    case: { type: 'string' },
    rounds: { type: 'string', default: '50' },
    name: { type: 'string', default: 'away' },
  },
})

const registrations = 200
const messagesPerSecond = 100
/** Of the unit in systemd/. */
const restartSecMs = 100
/** Before a restart, and after it. */
const calmMs = 500
/** After so long the daemon takes a stream for one that lasts. */
const lastedMs = componentDefaults.reconnectCapMs
/** When no push came for so long, the ones that are missing do not come any more. */
const lastPushMs = 2_000

/** What happens in a round. Resolves when it is over: the daemon is ready again. */
const cases: Readonly<Record<string, (at: Rig) => Promise<number>>> = {
  'planned restart': async ({ daemon }) => {
    const startedMs = performance.now()
    const { code, output } = await daemon.restart()
    if (code !== 0) throw new Error(output)
    return performance.now() - startedMs
  },
  'stop and start': async ({ daemon }) => {
    const startedMs = performance.now()
    await daemon.stop()
    await daemon.start()
    return performance.now() - startedMs
  },
  'kill -9': async ({ daemon }) => {
    const startedMs = performance.now()
    await daemon.stop('SIGKILL')
    await delay(restartSecMs)
    await daemon.start()
    return performance.now() - startedMs
  },
  'server restart': async ({ daemon, server }) => {
    // A stream that is lost soon after it came up is not opened again at once.
    await delay(lastedMs)
    const listening = server.restart().then(() => performance.now())
    const lostMs = await untilReadyIs(daemon, false)
    const [listensMs, readyMs] = [await listening, await untilReadyIs(daemon, true)]
    if (readyMs < lostMs) throw new Error('it was ready before the server had gone')
    return Math.max(0, readyMs - listensMs)
  },
}

interface Rig {
  readonly server: ChatServer
  readonly daemon: Daemon
}

/** One round. */
interface Round {
  /** From the beginning of the restart, or from the server's listening, to ready. */
  readonly awayMs: number
  readonly lost: number
  /** From a message's sending to its push at the gateway. */
  readonly slowestPushMs: number
  readonly connectionsClosed: number
}

/** Counts what comes to the gateway. The body of a message says when it was sent. */
class Pushes {
  readonly #devices = new Map<string, number>()
  #slowestMs = 0
  #lastMs = 0

  came(device: string, body: unknown): void {
    const text = (body as { alert?: { body?: string } }).alert?.body
    const [, round, sentMs] = /^(\d+) (\S+)$/.exec(text ?? '') ?? []
    if (round === undefined) throw new Error(`a push with another text: ${JSON.stringify(body)}`)
    this.#lastMs = performance.now()
    this.#devices.set(device, Number(round))
    this.#slowestMs = Math.max(this.#slowestMs, this.#lastMs - Number(sentMs))
  }

  /** Devices that got a push of this round. */
  of(round: number): Set<string> {
    return new Set([...this.#devices].filter(([, latest]) => latest === round).map(([device]) => device))
  }

  takeSlowest(): number {
    const slowest = this.#slowestMs
    this.#slowestMs = 0
    return slowest
  }

  /** Resolves when this many devices have got a push of the round, or nothing came for a while. */
  async settled(round: number, devices: number): Promise<void> {
    this.#lastMs = performance.now()
    while (this.of(round).size < devices && performance.now() - this.#lastMs < lastPushMs) await delay(20)
  }
}

const results: AwayFigures[] = []
for (const server of Object.keys(chatServers)) {
  if (values.server !== undefined && values.server !== server) continue
  for (const name of Object.keys(cases)) {
    if (values.case !== undefined && values.case !== name) continue
    const figures = figuresOf(server, name, await measure(server, name, Number(values.rounds)))
    results.push(figures)
    console.log(JSON.stringify(figures))
    write()
  }
}
process.exit(0)

async function measure(serverName: string, caseName: string, rounds: number): Promise<readonly Round[]> {
  const [startServer, restart] = [chatServers[serverName], cases[caseName]]
  if (startServer === undefined || restart === undefined)
    throw new Error(`${serverName}, ${caseName}: unknown`)
  const cache = mkdtempSync(join(tmpdir(), 'xmpp-pushd-cache-'))
  const pushes = new Pushes()
  await using gateway = await startGatewaySandbox({
    keep: 10,
    onRequest: ({ deviceId, body }) => pushes.came(deviceId, body),
  })
  await using server = await startServer()
  await using relay = await Relay.start(server.componentPort)
  await using daemon = await startDaemonFor(server, relay.port, gateway, cache)
  const devices = Array.from({ length: registrations }, (_, i) => `device-${i}`)
  for (const device of devices) await server.enable(device)

  const measured: Round[] = []
  // The first one fills the cache of compiled code.
  for (let round = 1; round <= rounds + 1; round++) {
    await server.reconnectWriter()
    const open = relay.open
    pushes.takeSlowest()
    const traffic = new AbortController()
    const written = writeAllTheWhile(server, devices, 2 * round, traffic.signal)
    await delay(calmMs)
    const awayMs = await restart({ server, daemon })
    await delay(calmMs)
    traffic.abort()
    await written
    const connectionsClosed = open.filter(({ isOpen }) => !isOpen).length

    await Promise.all(devices.map((device) => server.write(device, `${2 * round + 1} ${performance.now()}`)))
    await pushes.settled(2 * round + 1, devices.length)
    const left = pushes.of(2 * round + 1)
    const gone = devices.filter((device) => !left.has(device))
    for (const device of gone) await server.enable(device)
    const slowestPushMs = pushes.takeSlowest()
    if (round > 1) measured.push({ awayMs, lost: gone.length, slowestPushMs, connectionsClosed })
  }
  rmSync(cache, { recursive: true, force: true })
  return measured
}

function startDaemonFor(
  server: ChatServer,
  port: number,
  gateway: GatewaySandbox,
  cache: string,
): Promise<Daemon> {
  const config = { ...configFor(port, gateway.url, server.changes), drain_timeout_ms: 10_000 }
  return startDaemon(config, 'ready', unitEnvironment(cache))
}

/** Somebody writes to one after the other. While the server is away, nobody can. */
async function writeAllTheWhile(
  server: ChatServer,
  devices: readonly string[],
  round: number,
  signal: AbortSignal,
): Promise<void> {
  const written: Promise<void>[] = []
  const startedMs = performance.now()
  while (!signal.aborted) {
    const device = devices[written.length % devices.length] ?? ''
    written.push(server.write(device, `${round} ${performance.now()}`).catch(() => undefined))
    const dueMs = startedMs + (written.length * 1000) / messagesPerSecond
    await delay(Math.max(0, dueMs - performance.now()))
  }
  await Promise.all(written)
}

/** Resolves to when /readyz says so, or says no more. */
async function untilReadyIs(daemon: Daemon, wanted: boolean): Promise<number> {
  for (;;) {
    const response = await fetch(`${daemon.url}/readyz`)
    if (response.ok === wanted) return performance.now()
    await delay(5)
  }
}

function figuresOf(server: string, name: string, rounds: readonly Round[]): AwayFigures {
  const spread = (of: readonly number[]) => ({
    median: Math.round(median(of)),
    most: Math.round(Math.max(...of)),
  })
  const lost = rounds.map((round) => round.lost)
  return {
    server,
    case: name,
    rounds: rounds.length,
    lost: { ...spread(lost), all: lost.reduce((sum, each) => sum + each, 0) },
    awayMs: spread(rounds.map(({ awayMs }) => awayMs)),
    slowestPushMs: spread(rounds.map(({ slowestPushMs }) => slowestPushMs)),
    connectionsClosed: rounds.reduce((sum, { connectionsClosed }) => sum + connectionsClosed, 0),
  }
}

/** What was measured now, beside what was measured earlier of other servers and cases. */
function write(): void {
  const earlier = readResult<{ figures: readonly AwayFigures[] }>(values.name)?.figures ?? []
  const isNew = (old: AwayFigures) =>
    results.some((one) => one.server === old.server && one.case === old.case)
  const figures = [...earlier.filter((old) => !isNew(old)), ...results]
  writeResult(values.name, { registrations, messagesPerSecond, figures })
}
