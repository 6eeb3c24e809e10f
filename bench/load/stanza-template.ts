/**
 * What the load source sends, each kind always of one length, with numbers of ten digits that vary: the id's, and
 * the device's, node's or user's.
 */

/** Bytes of one publish: what MongooseIM sends for a short message to a phone with an FCM token. */
export const publishBytes = 927
export const numberDigits = 10
/** Ids are `p` and the sequence number: an answer is known by it. */
export const idPrefix = 'p'

/**
 * `virtual`: a publish as MongooseIM sends it to a virtual host. `node`: the same to one of many push nodes. `event`:
 * a forwarded message to one of many users, which has no answer.
 */
export const sourceKinds = ['virtual', 'node', 'event'] as const
export type SourceKind = (typeof sourceKinds)[number]

export interface StanzaTemplate {
  readonly bytes: Buffer
  readonly idAt: number
  /** Where the number of the device, node or user stands. */
  readonly whichAt: readonly number[]
}

const zeros = '0'.repeat(numberDigits)
/** Stands where the device's, node's or user's number will: as long, and no id. */
const which = '#'.repeat(numberDigits)

/** `size`: in bytes; the message's text fills it up. Events are as large as their text makes them. */
export function stanzaTemplate(
  kind: SourceKind,
  domain: string,
  serverDomain: string,
  size: number,
  service: 'apns' | 'fcm' = 'fcm',
): StanzaTemplate {
  const around =
    kind === 'event' ? eventAround(domain, serverDomain) : publishAround(kind, domain, serverDomain, service)
  const missing = size - around('').length
  if (missing < 0) throw new RangeError(`${kind}: at least ${size - missing} bytes`)
  const filler = ' parting is such sweet sorrow'
  const text = around(filler.repeat(Math.ceil(missing / filler.length)).slice(0, missing))
  return {
    bytes: Buffer.from(text, 'latin1'),
    idAt: text.indexOf(idPrefix + zeros) + idPrefix.length,
    whichAt: [...text.matchAll(new RegExp(which, 'g'))].map(({ index }) => index),
  }
}

/** Byte for byte of MongooseIM's shape. */
function publishAround(kind: 'virtual' | 'node', domain: string, serverDomain: string, service: string) {
  const node = kind === 'node' ? nodeName(which) : 'node1'
  return (padding: string) =>
    `<iq from='${serverDomain}' to='${domain}' id='${idPrefix}${zeros}' type='set'>` +
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${node}'><item>` +
    "<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'>" +
    "<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>" +
    "<field var='message-count'><value>1</value></field>" +
    "<field var='last-message-sender'><value>romeo@example.com</value></field>" +
    `<field var='last-message-body'><value>Good night, good night!${padding}</value></field>` +
    '</x></notification></item></publish><publish-options>' +
    "<x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'>" +
    '<value>http://jabber.org/protocol/pubsub#publish-options</value></field>' +
    `<field var='device_id'><value>${deviceId(which)}</value></field>` +
    `<field var='mode'><value>prod</value></field><field var='service'><value>${service}</value></field>` +
    '</x></publish-options></pubsub></iq>'
}

/** As Prosody's mod_firewall forwards a message. */
function eventAround(domain: string, serverDomain: string) {
  return (padding: string) =>
    `<message from='${serverDomain}' to='${domain}'><forwarded xmlns='urn:xmpp:forward:0'>` +
    `<message xmlns='jabber:client' type='chat' id='${idPrefix}${zeros}' ` +
    `from='romeo@${serverDomain}/orchard' to='${userName(which)}@${serverDomain}'>` +
    `<body>Good night, good night!${padding}</body></message></forwarded></message>`
}

/** The names that the store is filled with. `digits`: the number, with zeros in front. */
export function nodeName(digits: string): string {
  return `node-${digits}`
}

export function deviceId(digits: string): string {
  return `device-${digits}`
}

export function userName(digits: string): string {
  return `user-${digits}`
}

export function digitsOf(number: number): string {
  return String(number).padStart(numberDigits, '0')
}

/**
 * So many stanzas one after the other, ready to be written to a stream. `range`: how many devices, nodes or users
 * there are; which of them comes next seems to be random, so that what is stored is met where no cache expects it.
 */
export function stanzas(template: StanzaTemplate, from: number, count: number, range: number): Buffer {
  const { bytes, idAt, whichAt } = template
  const out = Buffer.allocUnsafe(bytes.length * count)
  for (let i = 0; i < count; i++) {
    const at = i * bytes.length
    bytes.copy(out, at)
    writeDigits(out, at + idAt, from + i)
    const number = scattered(from + i, range)
    for (const where of whichAt) writeDigits(out, at + where, number)
  }
  return out
}

/** A prime that shares no factor with any range in use, large enough to leap over pages. */
const leap = 611_953

/** The number met at this place of the sequence: each of the range once, then again. */
export function scattered(place: number, range: number): number {
  return ((place % range) * leap) % range
}

function writeDigits(out: Buffer, at: number, number: number): void {
  let rest = number
  for (let i = at + numberDigits - 1; i >= at; i--) {
    const next = Math.floor(rest / 10)
    out[i] = 48 + rest - next * 10
    rest = next
  }
}
