/**
 * What the daemon and its successor say to each other, over the IPC channel that Node.js gives to a child, as JSON:
 *
 *   successor  ready ───────────────▶  the program is loaded, the configuration checked, the workers are up
 *              ◀─────────────── replace    domains over TLS, whose streams cannot be handed over
 *              replaced ────────────▶  those of them of which it has a stream of its own, beside the old ones
 *              ◀─────────────── listener   its handle beside it; nothing is accepted until all streams go on
 *              got ─────────────────▶
 *              ◀─────────────── retired    nothing is read any more, all is answered or stored, the store is closed
 *              open ────────────────▶  the store is open, the ports listen
 *              ◀─────────────── stream     its socket beside it
 *              got ─────────────────▶  one at a time: Node.js passes no handle before the last has arrived
 *              ◀─────────────── end
 *              took ────────────────▶  all streams go on
 *
 * In place of each of its own the successor may say `failed`, before it ends.
 */
import type { StreamProgress } from '../xmpp/component-stream.ts'

/** Raised whenever a message changes its meaning. Daemons of different formats do not hand over to each other. */
export const handoverFormat = 2

/** How long the successor tries to get streams of its own beside the old ones, from `replace` to `replaced`. */
export const replaceMs = 2_000

/** Which of the daemon's listeners: `http.listen`, `gateway.listen`. */
export const listenerNames = ['http', 'gateway'] as const
export type ListenerName = (typeof listenerNames)[number]

/** Where a daemon listens and connects to, in the words of its configuration. What is the same in both is handed over. */
export interface Endpoints {
  readonly listeners: Readonly<Partial<Record<ListenerName, string>>>
  /** By domain. */
  readonly servers: Readonly<Record<string, ServerEndpoint>>
}

export interface ServerEndpoint {
  readonly server: string
  readonly connections: number
  /** The state of TLS is in the process: streams over it cannot be handed over. */
  readonly tls: boolean
}

export type FromSuccessor =
  | {
      readonly kind: 'ready'
      readonly format: number
      readonly version: string
      readonly endpoints: Endpoints
    }
  | { readonly kind: 'replaced'; readonly domains: readonly string[] }
  | { readonly kind: 'got' | 'open' | 'took' }
  | { readonly kind: 'failed'; readonly reason: string }

export type FromOld =
  | { readonly kind: 'replace'; readonly domains: readonly string[] }
  | { readonly kind: 'listener'; readonly name: ListenerName }
  | { readonly kind: 'retired' }
  | ({ readonly kind: 'stream' } & HandedStream)
  | { readonly kind: 'end' }

/** A stream that goes on, beside its socket. */
export interface HandedStream {
  readonly domain: string
  /** Its place among the domain's streams. */
  readonly slot: number
  /** As `HandedOverStream.answersAll`. */
  readonly answersAll: boolean
  readonly progress: StreamProgress
}

/** As it goes over the channel: bytes as base64. */
export function packed(message: FromOld): object {
  if (message.kind !== 'stream') return message
  const { progress } = message
  const { unread, unsent } = progress
  return {
    ...message,
    progress: { ...progress, unread: unread.toString('base64'), unsent: unsent.toString('base64') },
  }
}

/** @throws {TypeError} for anything that is no message of this format: the other one has a fault. */
export function fromOld(value: unknown): FromOld {
  const message = new Fields(value)
  const kind = message.text('kind')
  switch (kind) {
    case 'retired':
    case 'end':
      return { kind }
    case 'replace':
      return { kind, domains: message.texts('domains') }
    case 'listener': {
      const name = message.text('name')
      if (name !== 'http' && name !== 'gateway') throw new TypeError(`no listener: ${name}`)
      return { kind, name }
    }
    case 'stream': {
      const progress = message.fields('progress')
      return {
        kind,
        domain: message.text('domain'),
        slot: message.count('slot'),
        answersAll: message.flag('answersAll'),
        progress: {
          header: progress.text('header'),
          unread: Buffer.from(progress.text('unread'), 'base64'),
          unsent: Buffer.from(progress.text('unsent'), 'base64'),
          pingId: progress.text('pingId'),
          pings: progress.count('pings'),
        },
      }
    }
    default:
      throw new TypeError(`no message of the old daemon: ${kind}`)
  }
}

/** `ready` is read as far as its format, where that is another one. @throws {TypeError} as `fromOld`. */
export function fromSuccessor(value: unknown): FromSuccessor {
  const message = new Fields(value)
  const kind = message.text('kind')
  switch (kind) {
    case 'got':
    case 'open':
    case 'took':
      return { kind }
    case 'replaced':
      return { kind, domains: message.texts('domains') }
    case 'failed':
      return { kind, reason: message.text('reason') }
    case 'ready': {
      const format = message.count('format')
      const version = message.text('version')
      const isKnown = format === handoverFormat
      const endpoints = isKnown ? endpointsOf(message.fields('endpoints')) : { listeners: {}, servers: {} }
      return { kind, format, version, endpoints }
    }
    default:
      throw new TypeError(`no message of a successor: ${kind}`)
  }
}

function endpointsOf(endpoints: Fields): Endpoints {
  const listeners = endpoints.fields('listeners')
  const servers = endpoints.fields('servers')
  return {
    listeners: Object.fromEntries(
      listenerNames.filter((name) => listeners.has(name)).map((name) => [name, listeners.text(name)]),
    ),
    servers: Object.fromEntries(
      servers.names.map((domain) => {
        const of = servers.fields(domain)
        return [
          domain,
          { server: of.text('server'), connections: of.count('connections'), tls: of.flag('tls') },
        ]
      }),
    ),
  }
}

/** An object of unknown fields, asked for them one by one. */
class Fields {
  readonly #object: Readonly<Record<string, unknown>>

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null) throw new TypeError('not an object')
    this.#object = value as Readonly<Record<string, unknown>>
  }

  get names(): string[] {
    return Object.keys(this.#object)
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name)
  }

  text(name: string): string {
    const value = this.#object[name]
    if (typeof value !== 'string') throw new TypeError(`${name}: not a text`)
    return value
  }

  texts(name: string): string[] {
    const value = this.#object[name]
    if (!Array.isArray(value) || !value.every((text) => typeof text === 'string'))
      throw new TypeError(`${name}: no list of texts`)
    return value
  }

  count(name: string): number {
    const value = this.#object[name]
    if (!Number.isSafeInteger(value) || Number(value) < 0) throw new TypeError(`${name}: not a count`)
    return Number(value)
  }

  flag(name: string): boolean {
    const value = this.#object[name]
    if (typeof value !== 'boolean') throw new TypeError(`${name}: neither true nor false`)
    return value
  }

  fields(name: string): Fields {
    return new Fields(this.#object[name])
  }
}
