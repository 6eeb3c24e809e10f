/**
 * The gateway of the load bench: HTTP/1.1 by hand on raw sockets, in a process of its own, part of a rig.
 * Every request is answered as MongoosePush answers a delivered one, after `latencyMs` if that is set.
 */
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { SinkReport, SinkSettings } from './reports.ts'

const { latencyMs, tls }: SinkSettings = JSON.parse(process.argv[2] ?? '{}')

const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: 4\r\n\r\nnull',
)
let requests = 0
let connections = 0

/** Counts whole requests in what comes in on one connection. */
class RequestCounter {
  #rest = ''
  /** Of the present request's body, still to come. */
  #bodyBytes = 0

  write(chunk: Buffer): number {
    const text = this.#rest + chunk.toString('latin1')
    let at = this.#bodyBytes
    let count = this.#bodyBytes > 0 && at <= text.length ? 1 : 0
    if (at > text.length) {
      this.#bodyBytes -= text.length
      return 0
    }
    this.#bodyBytes = 0
    this.#rest = ''
    while (at < text.length) {
      const headEnd = text.indexOf('\r\n\r\n', at)
      if (headEnd === -1) {
        this.#rest = text.slice(at)
        break
      }
      const end = headEnd + 4 + bodyBytes(text, at, headEnd)
      if (end > text.length) {
        this.#bodyBytes = end - text.length
        break
      }
      count++
      at = end
    }
    return count
  }
}

function bodyBytes(text: string, from: number, headEnd: number): number {
  let at = text.indexOf('content-length: ', from)
  if (at === -1 || at > headEnd) at = text.indexOf('Content-Length: ', from)
  if (at === -1 || at > headEnd) throw new Error(`no content-length: ${text.slice(from, headEnd)}`)
  return Number.parseInt(text.slice(at + 16, at + 24), 10)
}

function serve(socket: Socket): void {
  connections++
  socket.setNoDelay(true)
  const counter = new RequestCounter()
  const reply = (count: number): void => {
    if (!socket.destroyed) socket.write(count === 1 ? answer : Buffer.concat(Array(count).fill(answer)))
  }
  socket.on('data', (chunk) => {
    const count = counter.write(chunk)
    if (count === 0) return
    requests += count
    if (latencyMs > 0) setTimeout(reply, latencyMs, count)
    else reply(count)
  })
  socket.on('close', () => connections--)
  socket.on('error', () => socket.destroy())
}

function report(message: SinkReport): void {
  // The runner may be gone first: then nobody wants to know.
  process.send?.(message, () => undefined)
}

const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') report({ kind: 'listening', port: address.port })
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  report({ kind: 'count', requests, connections, cpuUs: user + system })
})
process.on('disconnect', () => process.exit())
