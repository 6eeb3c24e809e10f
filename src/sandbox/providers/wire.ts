/**
 * The network in front of a sandbox: connections go through it to the server behind, until it is told to break
 * them in one of the ways in which networks break. It knows nothing of what it carries.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * What a new connection meets:
 *
 * - `forward`: the server
 * - `silence`: it is taken, and nothing ever comes back
 * - `garbage`: bytes that are neither TLS nor anything else
 * - `cut`: an end at once
 */
export type WireMode = 'forward' | 'silence' | 'garbage' | 'cut'

interface Line {
  readonly client: Socket
  readonly server: Socket | undefined
  frozen: boolean
}

export class Wire {
  /** For connections to come. */
  mode: WireMode = 'forward'
  /** Connections ever taken. */
  made = 0
  readonly #server: Server
  readonly #lines = new Set<Line>()
  readonly #targetPort: number
  readonly #changed: () => void
  #address: { port: number; host: string } = { port: 0, host: '127.0.0.1' }

  /** `changed`: called whenever a connection comes or goes. */
  constructor(targetPort: number, changed: () => void) {
    this.#targetPort = targetPort
    this.#changed = changed
    this.#server = createServer({ noDelay: true }, (client) => this.#take(client))
  }

  get port(): number {
    return this.#address.port
  }

  async listen(port: number, host: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject).listen(port, host, 1024, resolve)
    await promise
    this.#server.off('error', reject)
    this.#address = { port: (this.#server.address() as AddressInfo).port, host }
  }

  /** Half-open: no byte goes either way on the connections that are there; they stay open. */
  freeze(): void {
    for (const line of this.#lines) {
      line.frozen = true
      line.client.pause()
      line.server?.pause()
    }
  }

  thaw(): void {
    for (const line of this.#lines) {
      line.frozen = false
      line.client.resume()
      line.server?.resume()
    }
  }

  /** Resets the connections that are there. */
  cut(): void {
    for (const { client, server } of this.#lines) {
      client.resetAndDestroy()
      server?.destroy()
    }
  }

  /** New connections are refused by the system; those that are there stay. */
  async refuse(): Promise<void> {
    if (!this.#server.listening) return
    const { promise, resolve } = Promise.withResolvers<void>()
    // It would wait for all connections to end: that it no longer listens is enough.
    this.#server.close()
    setImmediate(resolve)
    await promise
  }

  /** Listens again, on the same port. */
  accept(): Promise<void> {
    return this.listen(this.#address.port, this.#address.host)
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (this.#server.listening) this.#server.close(() => resolve())
    else resolve()
    for (const { client, server } of this.#lines) {
      client.destroy()
      server?.destroy()
    }
    await promise
  }

  #take(client: Socket): void {
    this.made++
    const server = this.mode === 'forward' ? connect(this.#targetPort, '127.0.0.1').setNoDelay() : undefined
    const line: Line = { client, server, frozen: false }
    this.#lines.add(line)
    client.on('close', () => {
      server?.destroy()
      this.#lines.delete(line)
      this.#changed()
    })
    this.#changed()
    if (server === undefined) {
      client.on('error', () => client.destroy())
      this.#mistreat(client)
      return
    }
    forward(client, server, line)
    forward(server, client, line)
  }

  #mistreat(client: Socket): void {
    client.resume()
    if (this.mode === 'garbage') client.end('SSH-2.0-OpenSSH_9.2\r\n')
    if (this.mode === 'cut') client.destroy()
  }
}

/** Not `pipe`, which would resume by itself what is frozen. */
function forward(from: Socket, to: Socket, line: Line): void {
  from.on('data', (chunk) => {
    if (to.write(chunk)) return
    from.pause()
    to.once('drain', () => {
      if (!line.frozen) from.resume()
    })
  })
  from.on('end', () => to.end())
  from.on('error', () => {
    from.destroy()
    to.destroy()
  })
}
