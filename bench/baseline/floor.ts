/**
 * The floor: the least that a Node.js process can do between the source's bytes and the gateway's. One
 * process, a scan for known texts instead of a parser, HTTP on as many raw sockets as the daemon has
 * (pipelined when all are busy), one write per turn and socket. It understands only what the source
 * sends and fails at all else. Run by bench/load/run.ts.
 */
import { connect, type Socket } from 'node:net'
import type { DaemonSettings } from '../load/reports.ts'

const settings: DaemonSettings = JSON.parse(process.argv[2] ?? '{}')

/** A pipelined connection: what is to be written this turn, and whose answers are to come, in order. */
interface Gateway {
  readonly socket: Socket
  text: string
  waiting: string[]
}

const gateways = Array.from({ length: settings.httpConnections }, openGateway)
const xmpp = connect(settings.xmppPort, '127.0.0.1')
let turn = 0

function openGateway(): Gateway {
  const socket = connect(settings.gatewayPort, '127.0.0.1')
  const gateway: Gateway = { socket, text: '', waiting: [] }
  socket.setNoDelay(true)
  let rest = ''
  socket.on('data', (chunk) => {
    const text = rest + chunk.toString('latin1')
    let from = 0
    let count = 0
    let answers = ''
    for (let at = text.indexOf('\r\n\r\nnull'); at !== -1; at = text.indexOf('\r\n\r\nnull', from)) {
      answers += `<iq type='result' from='${settings.domain}' to='example.com' id='${gateway.waiting[count++]}'/>`
      from = at + 8
    }
    rest = text.slice(from)
    gateway.waiting = gateway.waiting.slice(count)
    if (count > 0) xmpp.write(answers, 'latin1')
  })
  return gateway
}

function between(text: string, before: string, after: string, from: number): string {
  const start = text.indexOf(before, from) + before.length
  return text.slice(start, text.indexOf(after, start))
}

function push(text: string, start: number): void {
  const gateway = gateways[turn++ % gateways.length]
  if (gateway === undefined) return
  const sender = between(text, "'last-message-sender'><value>", '<', start)
  const message = between(text, "'last-message-body'><value>", '<', start)
  const device = between(text, "'device_id'><value>", '<', start)
  const body = `{"service":"fcm","mode":"prod","alert":{"title":"${sender}","body":"${message}","badge":1,"tag":"${sender}"}}`
  gateway.text +=
    `POST /v3/notification/${device} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
    `content-length: ${body.length}\r\n\r\n${body}`
  gateway.waiting.push(between(text, " id='", "'", start))
}

function flush(): void {
  for (const gateway of gateways) {
    if (gateway.text === '') continue
    gateway.socket.write(gateway.text, 'latin1')
    gateway.text = ''
  }
}

xmpp.setNoDelay(true)
xmpp.write(
  `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${settings.domain}'>`,
)
let rest = ''
xmpp.on('data', (chunk) => {
  const text = rest + chunk.toString('latin1')
  let from = 0
  if (text.includes("id='bench'>")) xmpp.write('<handshake>any</handshake>')
  for (let end = text.indexOf('</iq>'); end !== -1; end = text.indexOf('</iq>', from)) {
    push(text, from)
    from = end + 5
  }
  rest = text.slice(from)
  flush()
})
process.on('disconnect', () => process.exit())
