/**
 * What rounds of restarts cost the users of an XMPP server: 200 of them with push, and 100 messages a second to them all the
 * while.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { Relay } from '../../test/support/relay.ts'
import { median } from '../median.ts'
import { readResult, writeResult } from '../results.ts'
import type { AwayFigures } from './away-figures.ts'
import type { ChatServer } from './chat-server.ts'

const registrations = 200
const messagesPerSecond = 100
/** Before a restart, and after it. */
const calmMs = 500
/** When no push came for so long, the ones that are missing do not come any more. */
const lastPushMs = 2_000

/** One round. */
export interface Round {
  /** What the restart resolved to. */
  readonly awayMs: number
  readonly lost: number
  /** Of messages that the server took, those that no push came for. */
  readonly missing: number
  /** From a message's sending to its push at the gateway; of the messages around the restart. */
  readonly slowestPushMs: number
  readonly connectionsClosed: number
}

/** A daemon at a server, and a gateway; who is pushed to is counted. */
export interface Rig {
  readonly server: ChatServer
  readonly gateway: GatewaySandbox
  /** Between the daemon and the server. */
  readonly relay: Relay
  readonly pushes: Pushes
  close(): Promise<void>
}

export async function startRig(startServer: () => Promise<ChatServer>): Promise<Rig> {
  const pushes = new Pushes()
  const gateway = await startGatewaySandbox({
    keep: 10,
    onRequest: ({ deviceId, body }) => pushes.came(deviceId, body),
  })
  const server = await startServer()
  const relay = await Relay.start(server.componentPort)
  return {
    server,
    gateway,
    relay,
    pushes,
    async close() {
      await relay[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await gateway.close()
    },
  }
}

/** `restart`: the rounds' own; resolves when it is over, to how long the daemon was away, in milliseconds. */
export async function measureRounds(
  { server, relay, pushes }: Rig,
  rounds: number,
  restart: () => Promise<number>,
): Promise<readonly Round[]> {
  const devices = Array.from({ length: registrations }, (_, i) => `device-${i}`)
  await enableAll(server, devices)
  const measured: Round[] = []
  // The first one fills the cache of compiled code.
  for (let round = 0; round <= rounds; round++) {
    await server.reconnectWriter()
    const open = relay.open
    pushes.begin(round)
    const traffic = new AbortController()
    const writing = writeAllTheWhile(server, devices, round, traffic.signal)
    await delay(calmMs)
    const awayMs = await restart()
    await delay(calmMs)
    traffic.abort()
    const written = await writing
    const connectionsClosed = open.filter(({ isOpen }) => !isOpen).length

    await Promise.all(devices.map((device) => server.write(device, `${round} last ${performance.now()}`)))
    const expected = written + devices.length
    await pushes.settled(expected)
    const gone = devices.filter((device) => !pushes.last.has(device))
    const missing = expected - pushes.count
    await enableAll(server, gone)
    const { slowestMs: slowestPushMs } = pushes
    if (round > 0) measured.push({ awayMs, lost: gone.length, missing, slowestPushMs, connectionsClosed })
  }
  return measured
}

/** What came to the gateway in a round. A message says in which it was sent, whether it is the device's last one, and when. */
class Pushes {
  /** Devices that got the push of the last message to them. */
  readonly last = new Set<string>()
  slowestMs = 0
  #round = 0
  readonly #messages = new Set<string>()
  #latestMs = 0

  came(device: string, body: unknown): void {
    const text = (body as { alert?: { body?: string } }).alert?.body ?? ''
    const [, round, kind, sentMs] = /^(\d+) (traffic|last) (\S+)$/.exec(text) ?? []
    if (round === undefined) throw new Error(`a push with another text: ${JSON.stringify(body)}`)
    if (Number(round) !== this.#round) return
    this.#latestMs = performance.now()
    this.#messages.add(`${device} ${text}`)
    // The last ones are sent all at once, and wait for each other in the server.
    if (kind === 'last') this.last.add(device)
    else this.slowestMs = Math.max(this.slowestMs, this.#latestMs - Number(sentMs))
  }

  /** Of different messages. */
  get count(): number {
    return this.#messages.size
  }

  begin(round: number): void {
    this.#round = round
    this.last.clear()
    this.#messages.clear()
    this.slowestMs = 0
  }

  /** Resolves when this many have come, or nothing came for a while. */
  async settled(count: number): Promise<void> {
    this.#latestMs = performance.now()
    while (this.count < count && performance.now() - this.#latestMs < lastPushMs) await delay(20)
  }
}

/** Not all at once: ejabberd resets what it cannot accept soon. */
async function enableAll(server: ChatServer, devices: readonly string[]): Promise<void> {
  for (let i = 0; i < devices.length; i += 20) {
    await Promise.all(devices.slice(i, i + 20).map((device) => server.enable(device)))
  }
}

/** Somebody writes to one after the other; how many messages the server took. While it is away, nobody can. */
async function writeAllTheWhile(
  server: ChatServer,
  devices: readonly string[],
  round: number,
  signal: AbortSignal,
): Promise<number> {
  const written: Promise<boolean>[] = []
  const startedMs = performance.now()
  while (!signal.aborted) {
    const device = devices[written.length % devices.length] ?? ''
    const message = server.write(device, `${round} traffic ${performance.now()}`)
    written.push(message.then(() => true).catch(() => false))
    const dueMs = startedMs + (written.length * 1000) / messagesPerSecond
    await delay(Math.max(0, dueMs - performance.now()))
  }
  return (await Promise.all(written)).filter((wasTaken) => wasTaken).length
}

export function figuresOf(server: string, name: string, rounds: readonly Round[]): AwayFigures {
  const spread = (of: readonly number[]) => ({
    median: Math.round(median(of)),
    most: Math.round(Math.max(...of)),
  })
  const sum = (of: readonly number[]) => of.reduce((all, each) => all + each, 0)
  const lost = rounds.map((round) => round.lost)
  return {
    server,
    case: name,
    rounds: rounds.length,
    lost: { ...spread(lost), all: sum(lost) },
    pushesMissing: sum(rounds.map(({ missing }) => missing)),
    awayMs: spread(rounds.map(({ awayMs }) => awayMs)),
    slowestPushMs: spread(rounds.map(({ slowestPushMs }) => slowestPushMs)),
    connectionsClosed: sum(rounds.map((round) => round.connectionsClosed)),
  }
}

/** What was measured now, beside what was measured earlier of other servers and cases. */
export function writeFigures(name: string, results: readonly AwayFigures[]): void {
  const earlier = readResult<{ figures: readonly AwayFigures[] }>(name)?.figures ?? []
  const isNew = (old: AwayFigures) =>
    results.some((one) => one.server === old.server && one.case === old.case)
  const figures = [...earlier.filter((old) => !isNew(old)), ...results]
  writeResult(name, { registrations, messagesPerSecond, figures })
}
