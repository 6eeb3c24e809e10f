/**
 * A raw HTTP/1.1 sink in its own process: answers every POST with 200 `null` as cheaply as Node can, so that
 * what is measured is the other side. Prints its port; ends when its input does.
 */
import { createServer, type Socket } from 'node:net'

const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull',
  'latin1',
)
const headerEnd = Buffer.from('\r\n\r\n')

const server = createServer((socket: Socket) => {
  socket.setNoDelay(true)
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const end = rest.indexOf(headerEnd)
      if (end < 0) return
      const header = rest.toString('latin1', 0, end).toLowerCase()
      const at = header.indexOf('content-length: ')
      const bodyBytes = at < 0 ? 0 : Number.parseInt(header.slice(at + 16), 10)
      if (rest.length < end + 4 + bodyBytes) return
      rest = rest.subarray(end + 4 + bodyBytes)
      socket.write(answer)
    }
  })
  socket.on('error', () => socket.destroy())
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`)
})
// Whoever started it holds the other end: no sink outlives its bench.
process.stdin.resume().once('end', () => process.exit(0))
