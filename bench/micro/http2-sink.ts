/**
 * A provider of HTTP/2 in its own process: answers every POST with an empty 200 as cheaply as `node:http2` can, so that
 * what is measured is the other side. Prints its port and its authority's certificate as JSON; ends when its input does.
 */
import { createSecureServer } from 'node:http2'
import { localhostCertificate } from '../../src/sandbox/providers/authority.ts'

const certificate = localhostCertificate()
const server = createSecureServer({ ...certificate, settings: { maxConcurrentStreams: 1000 } })
server.on('stream', (stream) => {
  stream.on('error', () => stream.destroy())
  stream.on('end', () => stream.respond({ ':status': 200 }, { endStream: true }))
  stream.resume()
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  process.stdout.write(`${JSON.stringify({ port, ca: certificate.ca })}\n`)
})
// Whoever started it holds the other end: no sink outlives its bench.
process.stdin.resume().once('end', () => process.exit(0))
