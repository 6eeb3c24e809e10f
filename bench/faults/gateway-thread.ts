/**
 * The gateway of a run, in a thread of its own (gateway.ts starts it): a MongoosePush that misbehaves as its weather
 * says, and writes down what it took. A publish's sequence number stands in its body, so that what
 * arrives is known by what it says and not by where it was sent; that both fit is checked.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type FromGateway, fates, type GatewaySettings, type ToGateway } from './gateway-protocol.ts'
import { deviceIdOf, isOfFlood, sequenceIn } from './publish-text.ts'
import { fateOf, seeded } from './random.ts'
import { fine, slowMs, type Weather } from './weather.ts'

const settings = workerData as GatewaySettings
const random = seeded(settings.seed)
const port = parentPort as MessagePort
const jsonHeaders = { 'content-type': 'application/json; charset=utf-8' }
/** So many records go in one message, or those of so many milliseconds. */
const batch = 300
const batchMs = 20

const readWithinMs = 2_000
const lastAnswers = new WeakMap<Socket, { sequence: number; atMs: number }>()

let weather: Weather = fine
let records: number[] = []
let wrong: string[] = []
let requests = 0
let ofFlood = 0
let connections = 0

const server: Server | TlsServer =
  settings.tls === undefined ? createServer(read) : createTlsServer(settings.tls, read)
server.keepAliveTimeout = 60_000
server.on('connection', (socket) => {
  connections++
  // Closed by the other end soon after an answer: perhaps without having read it.
  socket.on('close', () => {
    const last = lastAnswers.get(socket)
    if (last !== undefined && performance.now() - last.atMs < readWithinMs)
      record(last.sequence, fates.doubted)
  })
  // What breaks a connection shows at the request, or nowhere.
  socket.on('error', () => socket.destroy())
})

function say(message: FromGateway): void {
  port.postMessage(message)
}

function record(sequence: number, fate: number): void {
  records.push(sequence, fate, performance.timeOrigin + performance.now())
  if (records.length >= batch) tell()
}

function tell(): void {
  if (records.length === 0 && wrong.length === 0) return
  say({ kind: 'records', records, wrong })
  records = []
  wrong = []
}

function read(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => receive(request.url ?? '', Buffer.concat(chunks).toString(), response))
}

function receive(path: string, body: string, response: ServerResponse): void {
  requests++
  const deviceId = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  if (isOfFlood(deviceId)) {
    ofFlood++
    setTimeout(answer, weather.latencyMs, response, 200, null)
    return
  }
  const sequence = sequenceIn(body)
  if (sequence === undefined || deviceIdOf(body) !== deviceId) {
    wrong.push(`${path}: ${body.slice(0, 300)}`)
    answer(response, 500, { reason: 'unspecified' })
    return
  }
  if (weather.latencyMs === 0) decide(sequence, body, response)
  else setTimeout(decide, weather.latencyMs, sequence, body, response)
}

function decide(sequence: number, body: string, response: ServerResponse): void {
  // Ruled by the device alone: it stays gone, whatever the weather.
  if (fateOf(settings.seed, sequence) < settings.goneShare && deviceIdOf(body) === `d${sequence}`) {
    record(sequence, fates.gone)
    answer(response, 410, { reason: 'unregistered' })
    return
  }
  const { services } = weather
  const met = services.length === 0 || services.some((service) => body.includes(`"service":"${service}"`))
  let left = met ? random() : 1
  const happens = (share: number): boolean => {
    if (left < 0) return false
    left -= share
    return left < 0
  }
  const { socket } = response
  if (happens(weather.unavailable)) fail(sequence, response, 503)
  else if (happens(weather.throttled)) fail(sequence, response, 429)
  else if (happens(weather.reset)) broken(sequence, () => socket?.resetAndDestroy())
  else if (happens(weather.hang)) broken(sequence, () => undefined)
  else if (happens(weather.garbage))
    broken(sequence, () => socket?.end('\u0000\u00ff not HTTP at all\r\n\r\n'))
  else if (happens(weather.halfClose)) broken(sequence, () => socket?.end('HTTP/1.1 200 OK\r\ncontent-le'))
  else if (happens(weather.takenAndReset)) {
    record(sequence, fates.doubtful)
    socket?.resetAndDestroy()
  } else if (happens(weather.slow)) {
    record(sequence, fates.doubtful)
    setTimeout(answer, slowMs, response, 200, null)
  } else take(sequence, response)
}

function take(sequence: number, response: ServerResponse): void {
  const { socket } = response
  if (response.destroyed || socket === null || socket.destroyed) {
    record(sequence, fates.doubtful)
    return
  }
  record(sequence, fates.delivered)
  lastAnswers.set(socket, { sequence, atMs: performance.now() })
  answer(response, 200, null)
}

function fail(sequence: number, response: ServerResponse, status: 429 | 503): void {
  record(sequence, fates.failed)
  if (status === 503) answer(response, 503, { reason: 'service_internal' })
  else answer(response, 429, { reason: 'too_many_requests' }, { 'retry-after': '1' })
}

function broken(sequence: number, act: () => void): void {
  record(sequence, fates.failed)
  act()
}

function answer(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { ...jsonHeaders, ...headers, 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

let listeningPort = settings.port

function listen(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(listeningPort, '127.0.0.1', 1024, () => {
    listeningPort = (server.address() as AddressInfo).port
    resolve()
  })
  return promise
}

async function changeTo(next: Weather): Promise<void> {
  weather = next
  if (next.down && server.listening) {
    server.close()
    server.closeAllConnections()
  } else if (!next.down && !server.listening) await listen()
  say({ kind: 'weathered' })
}

port.on('message', (message: ToGateway) => {
  switch (message.kind) {
    case 'weather':
      void changeTo(message.weather)
      return
    case 'certificate':
      if ('setSecureContext' in server) server.setSecureContext(message)
      server.closeAllConnections()
      return
    case 'flush':
      tell()
      server.getConnections((_, open) => say({ kind: 'flushed', requests, ofFlood, connections, open }))
  }
})
setInterval(tell, batchMs)
await listen()
say({ kind: 'listening', port: listeningPort })
