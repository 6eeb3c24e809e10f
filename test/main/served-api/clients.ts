import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import type { AttemptOutcome, Outcome } from '../../../src/core/outcome.ts'
import { alert, certificate, type RunOptions } from './running.ts'

/** Destroyed after each test. */
export const sockets: Socket[] = []
export const sessions: ClientHttp2Session[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const session of sessions.splice(0)) session.destroy()
})

export const json = { 'content-type': 'application/json' }
export const text = JSON.stringify(alert)
export const head = `POST /v3/notification/d HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`
export const whole = `${head}content-length: ${text.length}\r\n\r\n${text}`

export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** All that comes until the server ends the connection. */
export async function toEnd(socket: Socket): Promise<string> {
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
  })
  await once(socket, 'close')
  return received
}

/** Pushes that end when the test says so. */
export function held(more: RunOptions = {}) {
  const waiting: ((outcome: AttemptOutcome | Outcome) => void)[] = []
  const options: RunOptions = {
    ...more,
    ports: {
      submitOnce(_notification, settled) {
        waiting.push(settled)
        return true
      },
    },
  }
  return { waiting, options }
}

/** A push over HTTP/2, on a connection of its own, whose body the caller sends. */
export function http2Push(url: string): { session: ClientHttp2Session; stream: ClientHttp2Stream } {
  const session = connectHttp2(url, { ca: certificate.ca })
  sessions.push(session)
  const stream = session.request({ ':method': 'POST', ':path': '/v3/notification/d', ...json })
  // What is reset has an end, too.
  stream.on('error', () => stream.destroy())
  return { session, stream }
}
