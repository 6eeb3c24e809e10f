/**
 * The publish of the load source: byte for byte of MongooseIM's shape, always of one length, with two
 * numbers of ten digits that vary: the IQ's id and the device's.
 */

/** Bytes of one publish: what MongooseIM sends for a short message to a phone with an FCM token. */
export const publishBytes = 927
export const numberDigits = 10
/** Ids are `p` and the sequence number: an answer is known by it. */
export const idPrefix = 'p'

export interface PublishTemplate {
  readonly bytes: Buffer
  readonly idAt: number
  readonly deviceAt: number
}

export function publishTemplate(domain: string, serverDomain: string): PublishTemplate {
  const zeros = '0'.repeat(numberDigits)
  const around = (padding: string) =>
    `<iq from='${serverDomain}' to='${domain}' id='${idPrefix}${zeros}' type='set'>` +
    "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='node1'><item>" +
    "<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'>" +
    "<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>" +
    "<field var='message-count'><value>1</value></field>" +
    "<field var='last-message-sender'><value>romeo@example.com</value></field>" +
    `<field var='last-message-body'><value>Good night, good night!${padding}</value></field>` +
    '</x></notification></item></publish><publish-options>' +
    "<x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'>" +
    '<value>http://jabber.org/protocol/pubsub#publish-options</value></field>' +
    `<field var='device_id'><value>device-${zeros}</value></field>` +
    "<field var='mode'><value>prod</value></field><field var='service'><value>fcm</value></field>" +
    '</x></publish-options></pubsub></iq>'
  const missing = publishBytes - around('').length
  const bytes = Buffer.from(around(' parting is such sweet sorrow'.repeat(9).slice(0, missing)), 'latin1')
  if (bytes.length !== publishBytes)
    throw new Error(`the publish has ${bytes.length} bytes: shorten the domains`)
  return {
    bytes,
    idAt: bytes.indexOf(idPrefix + zeros) + idPrefix.length,
    deviceAt: bytes.indexOf(`device-${zeros}`) + 'device-'.length,
  }
}

/** Publishes one after the other, ready to be written to a stream. */
export function publishes(template: PublishTemplate, from: number, count: number, devices: number): Buffer {
  const { bytes, idAt, deviceAt } = template
  const out = Buffer.allocUnsafe(bytes.length * count)
  for (let i = 0; i < count; i++) {
    const at = i * bytes.length
    bytes.copy(out, at)
    writeDigits(out, at + idAt, from + i)
    writeDigits(out, at + deviceAt, (from + i) % devices)
  }
  return out
}

function writeDigits(out: Buffer, at: number, number: number): void {
  let rest = number
  for (let i = at + numberDigits - 1; i >= at; i--) {
    const next = Math.floor(rest / 10)
    out[i] = 48 + rest - next * 10
    rest = next
  }
}
