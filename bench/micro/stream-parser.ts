/**
 * What the stream parser costs, in µs of CPU time for each stanza: `node bench/micro/stream-parser.ts`.
 *
 * Stanzas are publishes as MongooseIM sends them (970 bytes of ASCII, 26 elements); chunks hold one of
 * them, or 64 KiB. saxes stands beside it as it is commonly used in XMPP: bytes decoded by a TextDecoder,
 * a strict parser with namespaces, an element tree. Rounds of all cases are interleaved and the best of
 * each counts, since another process only ever adds time.
 */
import { SaxesParser } from 'saxes'
import { Element } from '../../src/core/xml/element.ts'
import { StreamParser } from '../../src/main/xmpp/stream-parser.ts'
import { defaultLimits } from '../default-limits.ts'

const rounds = Number(process.env.ROUNDS ?? 15)
const stanzasPerRound = 20_000
const chunkBytes = 65_536

const header = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='3BF96D32' from='push.example.test'>`

function publish(body: string): string {
  return `<iq from='localhost' to='push.example.test' id='0f51181ba8ab5196_76bbd603c063933c' type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='node1'><item><notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field><field var='message-count'><value>1</value></field><field var='last-message-sender'><value>bob@localhost</value></field><field var='last-message-body'><value>${body}</value></field></x></notification></item></publish><publish-options><x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='device_id'><value>tok-1</value></field><field var='mode'><value>prod</value></field><field var='secret'><value>sauce</value></field><field var='service'><value>fcm</value></field></x></publish-options></pubsub></iq>`
}

interface Reader {
  /** Stanzas seen, so that nothing is done for nothing. */
  stanzas: number
  write(chunk: Uint8Array): void
}

function ours(): Reader {
  const reader: Reader = { stanzas: 0, write: (chunk) => parser.write(chunk) }
  const parser = new StreamParser(
    {
      streamStart: () => {},
      stanza: () => void reader.stanzas++,
      streamEnd: () => {},
      error: ({ condition }) => {
        throw new Error(condition)
      },
    },
    defaultLimits,
  )
  return reader
}

function theirs(): Reader {
  const decoder = new TextDecoder()
  const parser = new SaxesParser({ xmlns: true, position: false })
  const reader: Reader = {
    stanzas: 0,
    write: (chunk) => void parser.write(decoder.decode(chunk, { stream: true })),
  }
  const open: Element[] = []
  parser.on('opentag', (tag) => {
    const attributes: string[] = []
    for (const name in tag.attributes) attributes.push(name, tag.attributes[name]?.value ?? '')
    const element = new Element(tag.local, tag.uri, attributes)
    if (open.length > 1) open[open.length - 1]?.children.push(element)
    open.push(element)
  })
  parser.on('text', (text) => {
    if (open.length > 1) open[open.length - 1]?.children.push(text)
  })
  parser.on('closetag', () => {
    open.pop()
    if (open.length === 1) reader.stanzas++
  })
  return reader
}

interface Case {
  readonly name: string
  readonly reader: Reader
  readonly chunk: Buffer
  readonly stanzasPerChunk: number
  bestUs: number
}

const texts = {
  ASCII: publish('Hello &lt;push&gt; &amp; &quot;q&quot;, how'),
  'non-ASCII': publish('Zażółć gęślą 日本語 🎉 &amp; co.'),
}
const cases: Case[] = []
for (const [text, stanza] of Object.entries(texts)) {
  for (const [size, count] of [
    ['1 stanza', 1],
    ['64 KiB', Math.floor(chunkBytes / Buffer.byteLength(stanza))],
  ] as const) {
    for (const [parser, reader] of [
      ['ours', ours()],
      ['saxes', theirs()],
    ] as const) {
      reader.write(Buffer.from(header))
      const chunk = Buffer.from(stanza.repeat(count))
      const name = `${text}, chunks of ${size}: ${parser}`
      cases.push({ name, reader, chunk, stanzasPerChunk: count, bestUs: Number.POSITIVE_INFINITY })
    }
  }
}

function measure({ reader, chunk, stanzasPerChunk }: Case): number {
  const before = reader.stanzas
  const start = process.cpuUsage()
  for (let written = 0; written < stanzasPerRound; written += stanzasPerChunk) reader.write(chunk)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / (reader.stanzas - before)
}

for (let round = 0; round < rounds; round++) {
  for (const each of cases) each.bestUs = Math.min(each.bestUs, measure(each))
}
console.log(`node ${process.version}; a publish is ${Buffer.byteLength(texts.ASCII)} bytes`)
for (const { name, bestUs } of cases) console.log(`${bestUs.toFixed(2).padStart(7)} µs  ${name}`)
