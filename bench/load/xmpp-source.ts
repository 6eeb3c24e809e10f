/**
 * The load source: the server end of XEP-0114 in a process of its own, part of a rig. Any secret is
 * accepted. It sends publishes over all streams of the component, as fast as the window of unanswered
 * ones allows or at a given rate, and measures how long each answer takes. Events have no answer: their window is of
 * those whose push has not come to the gateway, which the rig tells all the while.
 *
 * With a rate, latency counts from the moment at which the publish was due, not from when there was
 * room to send it: a stall shows in all that were due meanwhile (no coordinated omission). The source
 * looks every millisecond at what is due: its own part of the latency is reported as the send delay.
 */
import { createServer, type Socket } from 'node:net'
import { AnswerScanner } from './answer-scanner.ts'
import { Latencies } from './latencies.ts'
import type { SourceCommand, SourceReport, SourceSettings, TakenByGateway } from './reports.ts'
import { stanzas, stanzaTemplate } from './stanza-template.ts'

const { domain, kind, service, size }: SourceSettings = JSON.parse(process.argv[2] ?? '{}')
const template = stanzaTemplate(kind, domain, 'example.com', size, service)
const isAnswered = kind !== 'event'

interface Stream {
  readonly socket: Socket
  unanswered: number
  /** Answered since the last flush: how many to send anew. */
  room: number
}

/** Longer than any daemon takes by its contract. */
const answerTimeoutMs = 15_000

const streams: Stream[] = []
const latencies = new Latencies()
/** Of a paced round: how long after it was due each publish was written. */
const delays = new Latencies()
/** When the publish of a sequence number was due, by its lowest bits. */
const dueAt = new Float64Array(1 << 20)
let sequence = 0
let round: { command: SourceCommand; perStream: number; startedAt: number; dueCount: number } | undefined
let results = 0
let errors = 0
/** Pushes that came to the gateway, in all. */
let taken = 0

function send(stream: Stream, count: number, due: (i: number) => number): void {
  if (count === 0) return
  for (let i = 0; i < count; i++) dueAt[(sequence + i) & (dueAt.length - 1)] = due(i)
  stream.socket.write(stanzas(template, sequence, count, round?.command.range ?? 1))
  sequence += count
  if (isAnswered) stream.unanswered += count
  else results += count
}

/** Events, saturated: each push at the gateway makes room for the next one. */
function sendEvents(): void {
  if (isAnswered || round === undefined || round.command.rate !== undefined) return
  const share = Math.ceil((round.command.window - (sequence - taken)) / streams.length)
  for (const stream of streams) send(stream, Math.max(0, share), () => 0)
}

function answered(stream: Stream, number: number, isError: boolean): void {
  stream.unanswered--
  stream.room++
  if (isError) errors++
  else results++
  latencies.add(performance.now() - (dueAt[number & (dueAt.length - 1)] ?? 0))
}

/** Saturated: each answer makes room for the next publish on its stream. */
function refill(stream: Stream): void {
  const { room } = stream
  stream.room = 0
  if (round === undefined || round.command.rate !== undefined) return
  const now = performance.now()
  send(stream, room, () => now)
}

/** Paced: sends what has become due, as far as the window allows; the rest waits, its clock running. */
function sendDue(): void {
  const rate = round?.command.rate
  if (round === undefined || rate === undefined) return
  const { perStream, startedAt } = round
  let due = Math.floor(((performance.now() - startedAt) / 1000) * rate) - round.dueCount
  const share = Math.ceil(due / streams.length)
  for (const stream of streams) {
    const count = Math.min(share, due, perStream - stream.unanswered)
    if (count <= 0) continue
    const dueOf = (i: number) => startedAt + (i / rate) * 1000
    const first = round.dueCount
    send(stream, count, (i) => dueOf(first + i))
    const now = performance.now()
    for (let i = first; i < first + count; i++) delays.add(now - dueOf(i))
    round.dueCount += count
    due -= count
  }
}

function start(command: SourceCommand): void {
  latencies.clear()
  delays.clear()
  results = 0
  errors = 0
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  const perStream = Math.ceil(command.window / streams.length)
  round = { command, perStream, startedAt, dueCount: 0 }
  if (command.rate === undefined) {
    if (isAnswered) for (const stream of streams) send(stream, perStream - stream.unanswered, () => startedAt)
    else sendEvents()
  }
  const pacer = setInterval(sendDue, 1)
  setTimeout(() => {
    clearInterval(pacer)
    round = undefined
    const seconds = (performance.now() - startedAt) / 1000
    const answers = results + errors
    const measured = {
      seconds,
      answers,
      latencyMs: isAnswered ? latencies.summary() : undefined,
      sendDelayMs: command.rate === undefined ? undefined : delays.summary(),
    }
    afterLastAnswer(() => {
      const { user, system } = process.cpuUsage(cpu)
      const allAnswers = results + errors
      const lost = unanswered()
      report({ kind: 'round', ...measured, allAnswers, errors, lost, cpuUs: user + system })
    })
  }, command.seconds * 1000)
}

function unanswered(): number {
  return streams.reduce((sum, stream) => sum + stream.unanswered, 0)
}

/** The next round starts with nothing left of this one; what has no answer by then is lost. */
function afterLastAnswer(done: () => void): void {
  const giveUpAt = performance.now() + answerTimeoutMs
  const timer = setInterval(() => {
    if (unanswered() > 0 && performance.now() < giveUpAt) return
    clearInterval(timer)
    done()
    for (const stream of streams) stream.unanswered = 0
  }, 5)
}

function report(message: SourceReport): void {
  // The runner may be gone first: then nobody wants to know.
  process.send?.(message, () => undefined)
}

/** XEP-0114 §3 from the server's side: header, header; digest, `<handshake/>`; then stanzas. */
function accept(socket: Socket): void {
  socket.setNoDelay(true)
  const stream: Stream = { socket, unanswered: 0, room: 0 }
  const scanner = new AnswerScanner({
    answer: (number, isError) => answered(stream, number, isError),
    request: (tag) =>
      socket.write(tag.replace(/ type=(["'])(get|set)\1/, " type='result'").replace(/\/?>$/, '/>')),
  })
  let opening = ''
  socket.on('data', (chunk) => {
    if (streams.includes(stream)) {
      scanner.write(chunk)
      refill(stream)
      return
    }
    const known = opening.length
    opening += chunk.toString('latin1')
    if (known === 0) {
      socket.write(
        "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' " +
          `xmlns='jabber:component:accept' from='${domain}' id='bench'>`,
      )
    }
    if (!opening.includes('</handshake>')) return
    socket.write('<handshake/>')
    streams.push(stream)
    report({ kind: 'streams', up: streams.length })
  })
  socket.on('close', () => {
    const at = streams.indexOf(stream)
    if (at === -1) return
    streams.splice(at, 1)
    report({ kind: 'streams', up: streams.length })
  })
  socket.on('error', () => socket.destroy())
}

const server = createServer(accept)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') report({ kind: 'listening', port: address.port })
})
process.on('message', (message: SourceCommand | TakenByGateway) => {
  if ('taken' in message) {
    taken = message.taken
    sendEvents()
  } else start(message)
})
process.on('disconnect', () => process.exit())
