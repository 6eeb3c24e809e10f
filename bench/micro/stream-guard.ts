/**
 * What it costs to ask of a stanza whether its stream may carry it, in nanoseconds: with one server behind all components
 * and with a thousand, and senders as they come (the server itself, many users of one host and of many hosts).
 *
 * node bench/micro/stream-guard.ts [stanzas]
 */
import { pino } from 'pino'
import { Element } from '../../src/core/xml/element.ts'
import { XmppServers } from '../../src/core/xmpp-servers.ts'
import { StreamGuard } from '../../src/main/xmpp/stream-guard.ts'

const count = Number(process.argv[2] ?? 5_000_000)
const nothing = { add() {} }
const sink = { send: () => true, answerQuery: () => true }

function guardAmong(servers: number): StreamGuard {
  const components = Array.from({ length: servers }, (_, i) => ({
    domain: `push.host${i}.example`,
    server: `server${i}:5347`,
    hosts: [`host${i}.example`, `second.host${i}.example`],
  }))
  return new StreamGuard(new XmppServers(components).scopeOf('push.host0.example'), {
    foreignFrom: nothing,
    foreignTo: nothing,
    log: pino({ level: 'silent' }),
    monotonicMs: () => performance.now(),
  })
}

function stanzasFrom(from: (i: number) => string): Element[] {
  return Array.from(
    { length: 1024 },
    (_, i) =>
      // Strings of their own, as the parser makes them.
      new Element('iq', 'jabber:component:accept', [
        ...['to', Buffer.from('push.host0.example').toString(), 'from', Buffer.from(from(i)).toString()],
        ...['type', 'set', 'id', `${i}`],
      ]),
  )
}

const senders = {
  'the server itself': () => 'host0.example',
  'users of one host': (i: number) => `user${i}@host0.example/phone`,
  'users of two hosts in turn': (i: number) => `user${i}@${i % 2 === 0 ? '' : 'second.'}host0.example/phone`,
  'users of hosts of no server here': (i: number) => `user${i}@far${i}.example/phone`,
}

for (const servers of [1, 2, 1_000]) {
  for (const [name, from] of Object.entries(senders)) {
    const guard = guardAmong(servers)
    const stanzas = stanzasFrom(from)
    const rounds: number[] = []
    for (let round = 0; round < 7; round++) {
      const startedMs = performance.now()
      for (let i = 0; i < count / 7; i++) {
        const stanza = stanzas[i & 1023]
        if (stanza === undefined || !guard.admits(stanza, sink)) throw new Error('dropped')
      }
      rounds.push(((performance.now() - startedMs) * 1e6) / (count / 7))
    }
    const median = rounds.toSorted((a, b) => a - b)[3] ?? 0
    console.log(`${servers} servers, ${name}: ${median.toFixed(0)} ns`)
  }
}
