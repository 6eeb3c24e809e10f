import { bareJid, bareOf, parseJid } from '../../core/jid.ts'
import type { IncomingEvent } from '../roles/xmpp-server/event-intake.ts'
import { pushedType, unwrapped } from '../roles/xmpp-server/read-message.ts'
import type { ToldMessage } from '../roles/xmpp-server/told-message.ts'
import { parseStanza } from '../xmpp/parse-stanza.ts'
import { fixedLimits } from '../xmpp/parser-limits.ts'
import { HttpFault } from './fault.ts'

/** What sources that can POST tell of a message. Each reader throws an HttpFault that names the field at fault. */

const knownFields = ['to', 'from', 'type', 'body', 'id', 'message_count', 'kind', 'session', 'stanza']
/** The body of the request has a limit of its own. Parts over the other limits are missing, as over XMPP. */
const stanzaLimits = {
  ...fixedLimits,
  maxStreamStanzaBytes: 1_048_576,
  maxStanzaBytes: 1_048_576,
  maxTextBytes: 1_048_576,
  maxDepth: 32,
  maxAttributes: 64,
}

type Fields = Readonly<Record<string, unknown>>

/** `/v1/events/message`: one event or a list of them, of which all are sound or none is taken. */
export function readMessageEvents(body: unknown): IncomingEvent[] {
  if (!Array.isArray(body)) return [readEvent(body, '')]
  return body.map((one, i) => readEvent(one, `[${i}]`))
}

/** `/v1/events/mongooseim`, from mod_event_pusher_http: localparts, all of one `server`. */
export function readMongooseimEvent(text: string): IncomingEvent {
  const names = namesIn(text)
  const server = formField(names, 'server')
  const from = senderOf(names, 'author', server)
  const to = addressOf(names, 'receiver', server)
  const body = new URLSearchParams(text).get('message') ?? ''
  return incoming('mongooseim', { ...blank, to, from, type: 'chat', body })
}

/** `/v1/events/ejabberd`, from mod_offline_http_post: localparts, of one `vhost`. */
export function readEjabberdEvent(text: string): IncomingEvent {
  const names = namesIn(text)
  const server = formField(names, 'vhost')
  const from = senderOf(names, 'from', server)
  const to = addressOf(names, 'to', server)
  const form = new URLSearchParams(text)
  const body = plainBody(text) ?? form.get('body') ?? ''
  // The last one: a message's text may look like another.
  const id = form.getAll('messageId').at(-1) ?? ''
  return incoming('ejabberd', { ...blank, to, from, type: 'chat', body, id })
}

/**
 * The text of a message that stands in the form as it is, as most versions of the module have it; undefined: it is
 * encoded, or would be the same if it were.
 */
function plainBody(form: string): string | undefined {
  const start = form.indexOf(bodyStart)
  const end = form.lastIndexOf('&messageId=')
  if (start === -1 || end < start) return undefined
  const body = form.slice(start + bodyStart.length, end)
  // Whoever encodes leaves nothing but these.
  // A copy: a slice would keep the whole form in memory as long as its push.
  return /^[\w.~%+*!'()-]*$/.test(body) ? undefined : Buffer.from(body).toString()
}

const bodyStart = '&body='

const blank = {
  id: '',
  messageCount: undefined,
  kind: 'offline',
  session: undefined,
  stanza: undefined,
} as const

function incoming(source: IncomingEvent['source'], message: ToldMessage | undefined): IncomingEvent {
  return { source, domain: '', message }
}

/** `at`: where in a list it stands. */
function readEvent(event: unknown, at: string): IncomingEvent {
  if (!isObject(event)) {
    throw at === ''
      ? new HttpFault(400, 'invalid-body', 'The body must be an event or a list of events.')
      : wrong(at, 'must be an object')
  }
  for (const name of Object.keys(event)) {
    if (!knownFields.includes(name)) {
      throw wrong(place(at, name), `is not known; known are ${knownFields.join(', ')}`)
    }
  }
  const outer = stanzaOf(event, at)
  const stanza = outer && unwrapped(outer)
  // For a room's message in a MUC/Sub event, only the inner message has the sender and the type.
  const fields = stanza === outer ? event : {}
  const to = bareJid(textOf(event, 'to', at) ?? outer?.attr('to') ?? '')
  const from = textOf(fields, 'from', at) ?? stanza?.attr('from') ?? ''
  const body = textOf(event, 'body', at)
  if (to === undefined || !to.includes('@')) throw wrong(place(at, 'to'), 'must be the JID of a user')
  if (bareJid(from) === undefined) throw wrong(place(at, 'from'), 'must be a JID')
  if (body === undefined && stanza === undefined) throw wrong(place(at, 'body'), 'must be text')
  const session = sessionOf(event, to, at)
  const messageCount = countOf(event, at)
  const type = pushedType(textOf(fields, 'type', at) ?? stanza?.attr('type'))
  if (type === undefined) return incoming('message', undefined)
  return incoming('message', {
    to,
    from,
    type,
    body,
    id: textOf(fields, 'id', at) ?? stanza?.attr('id') ?? '',
    messageCount,
    kind: session === undefined ? 'offline' : 'unacked',
    session,
    stanza,
  })
}

function stanzaOf(event: Fields, at: string): ToldMessage['stanza'] {
  const xml = textOf(event, 'stanza', at)
  if (xml === undefined) return undefined
  const stanza = parseStanza(xml, stanzaLimits)
  if (stanza?.name === 'message') return stanza
  throw wrong(place(at, 'stanza'), 'must be a message stanza, well-formed')
}

/** The lost session of an unacked event; undefined for an offline one. */
function sessionOf(event: Fields, to: string, at: string): string | undefined {
  const kind = textOf(event, 'kind', at) ?? 'offline'
  if (kind !== 'offline' && kind !== 'unacked') throw wrong(place(at, 'kind'), 'must be offline or unacked')
  const session = textOf(event, 'session', at)
  if (kind === 'offline') return undefined
  const jid = parseJid(session ?? '')
  if (jid === undefined || jid.resource === '' || bareOf(jid) !== to) {
    throw wrong(place(at, 'session'), 'must be the full JID of the session, one of `to`')
  }
  return `${to}/${jid.resource}`
}

function countOf(event: Fields, at: string): number | undefined {
  const { message_count: count } = event
  if (count === undefined || count === null) return undefined
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
  throw wrong(place(at, 'message_count'), 'must be a whole number')
}

function textOf(event: Fields, name: string, at: string): string | undefined {
  const value = event[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw wrong(place(at, name), 'must be text')
}

/** No user's name has a space: a `+` is one, of a telephone number that some sources leave as it is. */
function namesIn(form: string): URLSearchParams {
  return new URLSearchParams(form.replaceAll('+', '%2B'))
}

function formField(form: URLSearchParams, name: string): string {
  const value = form.get(name)
  if (value === null || value === '') throw wrong(name, 'must be given')
  return value
}

/** A localpart as an address. Some versions of the sources send whole addresses. */
function addressOf(form: URLSearchParams, name: string, server: string): string {
  const value = formField(form, name)
  const bare = bareJid(value.includes('@') ? value : `${value}@${server}`)
  if (bare === undefined) throw wrong(name, 'must be the name of a user')
  return bare
}

/** What has no localpart is the server itself. */
function senderOf(form: URLSearchParams, name: string, server: string): string {
  const host = form.get(name) === '' ? bareJid(server) : undefined
  return host ?? addressOf(form, name, server)
}

function place(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(field: string, what: string): HttpFault {
  return new HttpFault(400, 'invalid-field', `${field} ${what}.`, { field })
}
