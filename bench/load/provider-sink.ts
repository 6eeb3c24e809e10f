/**
 * The push providers of the load bench, APNs and FCM, in a process of their own, part of a rig: HTTP/2 as cheap as
 * `node:http2` can, every POST answered with an empty 200 after `latencyMs` if that is set; and FCM's token endpoint.
 */

import type { ServerHttp2Stream } from 'node:http2'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import type { SinkReport, SinkSettings } from './reports.ts'

const { latencyMs, tls }: SinkSettings = JSON.parse(process.argv[2] ?? '{}')
if (tls === undefined) throw new Error('providers speak TLS')

let requests = 0
let connections = 0

function answer(stream: ServerHttp2Stream): void {
  if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true })
}

const providers = createSecureServer({ ...tls, settings: { maxConcurrentStreams: 1000 } })
providers.on('session', (session) => {
  connections++
  session.on('close', () => connections--)
})
providers.on('stream', (stream) => {
  stream.on('error', () => stream.destroy())
  stream.on('end', () => {
    requests++
    if (latencyMs > 0) setTimeout(answer, latencyMs, stream)
    else answer(stream)
  })
  stream.resume()
})

const tokens = createServer(tls, (request, response) => {
  request.resume()
  response.setHeader('content-type', 'application/json')
  // As long as Google's are.
  const token = `ya29.${'x'.repeat(200)}`
  response.end(JSON.stringify({ access_token: token, expires_in: 3599, token_type: 'Bearer' }))
})

function report(message: SinkReport): void {
  // The runner may be gone first: then nobody wants to know.
  process.send?.(message, () => undefined)
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

const [port, tokenPort] = await Promise.all([listen(providers), listen(tokens)])
report({ kind: 'listening', port, tokenPort })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  report({ kind: 'count', requests, connections, cpuUs: user + system })
})
process.on('disconnect', () => process.exit())
