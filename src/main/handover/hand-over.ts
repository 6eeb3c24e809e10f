/**
 * The way of a planned restart, in the old process: it starts its successor, which prepares; then it ends all but its streams,
 * and gives these away. Until the successor is ready, nothing changes; from then on, whatever fails, this process goes on with
 * a new daemon and the same streams.
 */
import type { Server } from 'node:net'
import type { Logger } from 'pino'
import type { Daemon, HandedOver, PlacedStream } from '../daemon.ts'
import { type Endpoints, handoverFormat, type ListenerName, replaceMs } from './message.ts'
import { HandoverError, Successor } from './successor.ts'

/** Loading takes a second or two on a busy machine. */
const prepareMs = 15_000
/** To open the store, and what is stored of a long outage. */
const openMs = 30_000
/** To go on with the streams. */
const takeMs = 5_000

export interface HandoverParts {
  /** The program that takes over, with its arguments. */
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly log: Logger
  /** What this daemon could hand over. */
  readonly endpoints: Endpoints
  /** Resolves when the daemon is asked to stop. */
  readonly stopAsked: Promise<unknown>
  /** The successor is ready: from here on the daemon gives no more signs of life. */
  readonly retiring: () => void
  /** Starts a daemon as this one, in this process. */
  readonly reopen: (handedOver: HandedOver) => Promise<Daemon>
}

export type HandoverEnd =
  /** The successor is the daemon now: this process is to end. */
  | { readonly kind: 'taken'; readonly successor: Successor }
  /** Nothing was changed. */
  | { readonly kind: 'kept'; readonly reason: string }
  /** The successor failed late: this is the daemon, in the same process. */
  | { readonly kind: 'reopened'; readonly daemon: Daemon; readonly reason: string }

/** Hands the daemon over to a successor. Rejects when the daemon is no longer there, and cannot be reopened. */
export async function handOver(daemon: Daemon, parts: HandoverParts): Promise<HandoverEnd> {
  const successor = new Successor(parts.command, parts.env)
  let theirs: Endpoints
  let replaced: ReadonlySet<string>
  try {
    theirs = await Promise.race([readiness(successor), refusal(parts.stopAsked)])
    replaced = await Promise.race([replacement(successor, parts.endpoints, theirs), refusal(parts.stopAsked)])
  } catch (error) {
    await successor.kill()
    return { kind: 'kept', reason: reasonOf(error) }
  }
  parts.retiring()
  for (const domain of replaced)
    parts.log.info({ domain }, 'streams over TLS were opened anew: the old ones are closed')
  const isWanted = wanted(parts.endpoints, theirs)
  await daemon.retire(replaced, async (name, server) => {
    if (isWanted.listener(name)) await giveListener(successor, name, server, parts.log)
  })
  try {
    await successor.send({ kind: 'retired' })
    await successor.next('open', openMs)
    for (const stream of daemon.streamsToGoOn('another process', isWanted.stream)) {
      await giveStream(successor, stream, parts.log)
    }
    for (const { domain, stream } of daemon.streamsUp()) {
      const reason = whyNot(parts.endpoints, theirs, domain, stream)
      parts.log.warn({ domain, stream, reason }, 'a stream is not handed over: it is closed')
    }
    // The successor opens the streams that it did not get when it receives `end`.
    const closed = daemon.closeStreams()
    await successor.send({ kind: 'end' })
    await successor.next('took', takeMs)
    await closed
    return { kind: 'taken', successor }
  } catch (error) {
    await successor.kill()
    const streams = [...daemon.streamsToGoOn('this process')]
    const closed = daemon.closeStreams()
    const reopened = await parts.reopen({ listeners: {}, streams: async () => streams })
    await closed
    return { kind: 'reopened', daemon: reopened, reason: reasonOf(error) }
  }
}

async function readiness(successor: Successor): Promise<Endpoints> {
  const { format, version, endpoints } = await successor.next('ready', prepareMs)
  if (format === handoverFormat) return endpoints
  throw new HandoverError(`version ${version} takes over in format ${format}, not ${handoverFormat}`)
}

/** The domains of which the successor has streams of its own by now: what cannot be handed over is opened first, then closed. */
async function replacement(
  successor: Successor,
  ours: Endpoints,
  theirs: Endpoints,
): Promise<ReadonlySet<string>> {
  const domains = Object.keys(ours.servers).filter(
    (domain) => ours.servers[domain]?.tls && isSame(ours, theirs, domain),
  )
  await successor.send({ kind: 'replace', domains })
  const { domains: up } = await successor.next('replaced', replaceMs + prepareMs)
  return new Set(up)
}

async function refusal(stopAsked: Promise<unknown>): Promise<never> {
  await stopAsked
  throw new HandoverError('the daemon is asked to stop')
}

/** What becomes of the successor, if anything, shows in the next message. */
async function giveListener(
  successor: Successor,
  name: ListenerName,
  server: Server,
  log: Logger,
): Promise<void> {
  try {
    await successor.give({ kind: 'listener', name }, server)
  } catch (err) {
    log.warn(
      { err, listener: name },
      'a listening socket cannot be handed over: the successor opens a new one',
    )
  }
}

/** All but its socket, and that: in one turn of the event loop nothing more is read or written here. */
async function giveStream(successor: Successor, stream: PlacedStream, log: Logger): Promise<void> {
  const { socket, domain, slot, answersAll, progress } = stream
  const given = successor.give({ kind: 'stream', domain, slot, answersAll, progress }, socket)
  socket.destroy()
  await given
  log.debug(
    { domain, stream: slot, unread: progress.unread.length, unsent: progress.unsent.length },
    'handed over',
  )
}

/** What is at the same address in both configurations. */
function wanted(ours: Endpoints, theirs: Endpoints) {
  return {
    listener: (name: ListenerName) => ours.listeners[name] === theirs.listeners[name],
    stream: (domain: string, slot: number) =>
      isSame(ours, theirs, domain) && ours.servers[domain]?.tls === false && slot < placesOf(theirs, domain),
  }
}

/** Why a stream that is up does not go on, for people. */
function whyNot(ours: Endpoints, theirs: Endpoints, domain: string, slot: number): string {
  if (!isSame(ours, theirs, domain))
    return 'the configuration has another server for the domain, TLS, or no such domain'
  if (ours.servers[domain]?.tls) return 'it is over TLS, whose state is in this process'
  if (slot >= placesOf(theirs, domain)) return 'the configuration has fewer connections for the domain'
  return 'it is within a stanza, or being lost'
}

function isSame(ours: Endpoints, theirs: Endpoints, domain: string): boolean {
  const [our, their] = [ours.servers[domain], theirs.servers[domain]]
  return our !== undefined && our.server === their?.server && our.tls === their.tls
}

function placesOf({ servers }: Endpoints, domain: string): number {
  return servers[domain]?.connections ?? 0
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
