/**
 * The words that push stanzas are made of. Each is one string for the life of the process: a name or value
 * that is in here costs no allocation, keeps no input alive, and compares by pointer with the literals of
 * the roles. Anything else is read just as well, only slower: nothing but speed depends on this list.
 */
const vocabulary = [
  // Names of elements and attributes.
  'iq id from to type message presence body error text query ping handshake stream:stream stream:error',
  'pubsub publish item items notification x field value publish-options node var label required option',
  'create configure delete purge affiliations affiliation jid subscription subscriptions',
  'xmlns xmlns:stream xml:lang version ver stanza-id by delay stamp feature identity category name',
  'enable disable hash algo priority payload',
  // Values: types, form fields, publish-options.
  'set get result submit form hidden text-single text-private cancel modify wait auth chat normal',
  'FORM_TYPE message-count pending-subscription-count last-message-sender last-message-body',
  'device_id service mode secret token topic silent time_to_live mutable_content click_action sound badge',
  'apns fcm prod dev true false default high',
  // Namespaces.
  'http://etherx.jabber.org/streams jabber:component:accept jabber:client jabber:server jabber:x:data',
  'http://jabber.org/protocol/pubsub http://jabber.org/protocol/pubsub#owner',
  'http://jabber.org/protocol/pubsub#publish-options http://jabber.org/protocol/pubsub#node_config',
  'http://jabber.org/protocol/pubsub#event http://jabber.org/protocol/pubsub#errors',
  'http://jabber.org/protocol/disco#info http://jabber.org/protocol/disco#items',
  'urn:xmpp:push:0 urn:xmpp:push:summary urn:xmpp:ping urn:xmpp:delay urn:xmpp:sid:0',
  'urn:ietf:params:xml:ns:xmpp-stanzas urn:ietf:params:xml:ns:xmpp-streams jabber:iq:version',
]

// As property keys the words are V8's own copies, those that the literals of other files are.
const words = Object.keys(
  Object.fromEntries(vocabulary.flatMap((line) => line.split(' ')).map((word) => [word, undefined])),
)

// A hash table in flat arrays, which is what V8 reads fastest. Word number n is `bytes` from `starts[n]` up
// to `starts[n + 1]`; slot s holds word number `slots[s] - 1`. A word whose slot is taken is in the next
// free one. Sparse: what is not in here is mostly found out at the first look.
const bytes = new TextEncoder().encode(words.join(''))
const starts = new Uint16Array(words.length + 1)
const slots = new Uint8Array(2048)
const lastSlot = slots.length - 1
let longest = 0

function slotOf(units: Uint8Array, from: number, length: number): number {
  const first = units[from]!
  const middle = units[from + (length >> 1)]!
  const last = units[from + length - 1]!
  return (length * 61 + first * 31 + middle * 197 + last * 7) & lastSlot
}

words.forEach((word, number) => {
  const from = starts[number]!
  let slot = slotOf(bytes, from, word.length)
  while (slots[slot] !== 0) slot = (slot + 1) & lastSlot
  slots[slot] = number + 1
  starts[number + 1] = from + word.length
  longest = Math.max(longest, word.length)
})

/** The word that stands in `units` from `from` up to `to`, if it is one that we know. */
export function findWord(units: Uint8Array, from: number, to: number): string | undefined {
  const length = to - from
  if (length === 0 || length > longest) return undefined
  let slot = slotOf(units, from, length)
  for (let number = slots[slot]!; number !== 0; number = slots[slot]!) {
    if (isWord(number - 1, units, from, length)) return words[number - 1]
    slot = (slot + 1) & lastSlot
  }
  return undefined
}

function isWord(number: number, units: Uint8Array, from: number, length: number): boolean {
  const start = starts[number]!
  if (starts[number + 1]! - start !== length) return false
  for (let i = 0; i < length; i++) if (bytes[start + i] !== units[from + i]) return false
  return true
}
