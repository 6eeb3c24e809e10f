import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** One request as it came over the wire. */
export interface RawRequest {
  readonly socket: Socket
  /** Which connection it came on, from 0. */
  readonly connection: number
  /** The request line and the header lines. */
  readonly head: string
  readonly path: string
  readonly body: string
}

export interface RawServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly requests: RawRequest[]
  /** Every connection ever taken. */
  readonly connections: number
  readonly openConnections: number
  readonly mostConnections: number
}

export function http(status: string, body: string, headers = ''): string {
  return `HTTP/1.1 ${status}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`
}

export const ok: string = http('200 OK', 'null')

/** An HTTP server of bytes: `answer` writes whatever it likes to the request's socket. */
export async function rawServer(answer: (request: RawRequest) => void, port = 0): Promise<RawServer> {
  const server = new Raw(answer)
  await server.listen(port)
  return server
}

class Raw implements RawServer {
  readonly requests: RawRequest[] = []
  connections = 0
  mostConnections = 0
  readonly #open = new Set<Socket>()
  readonly #server: Server

  constructor(answer: (request: RawRequest) => void) {
    this.#server = createServer((socket) => {
      const connection = this.connections++
      this.#open.add(socket)
      this.mostConnections = Math.max(this.mostConnections, this.#open.size)
      socket.on('close', () => this.#open.delete(socket))
      socket.on('error', () => socket.destroy())
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
        for (;;) {
          const headEnd = text.indexOf('\r\n\r\n')
          const bodyBytes = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
          if (headEnd < 0 || text.length < headEnd + 4 + bodyBytes) return
          const head = text.slice(0, headEnd)
          const body = Buffer.from(text.slice(headEnd + 4, headEnd + 4 + bodyBytes), 'latin1').toString()
          text = text.slice(headEnd + 4 + bodyBytes)
          const request = { socket, connection, head, path: head.split(' ')[1] ?? '', body }
          this.requests.push(request)
          answer(request)
        }
      })
    })
  }

  get openConnections(): number {
    return this.#open.size
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#open) socket.destroy()
    await closed
  }
}
