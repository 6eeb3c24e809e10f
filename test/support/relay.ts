import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** One connection by way of a relay, and what went each way. */
export interface RelayedConnection {
  readonly toServer: string
  readonly toClient: string
  readonly isOpen: boolean
  /** From now on nothing passes, either way, and neither side learns of it: half open, as behind a tunnel. */
  freeze(): void
  /**
   * Breaks it for the client, and ends the stream for the server. Resolves once the server has closed the connection: then it
   * routes nothing to this stream any more. (A server that reads the end of the connection alone may close it first, and hear
   * of that later.)
   */
  cut(): Promise<void>
}

/** Stands between the daemon and a server, and shows what goes over each connection. */
export class Relay implements AsyncDisposable {
  readonly connections: RelayedConnection[] = []
  port = 0
  readonly #server: Server

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.connections.push(join(client, targetPort)))
  }

  static async start(targetPort: number): Promise<Relay> {
    const relay = new Relay(targetPort)
    await relay.acceptConnections()
    return relay
  }

  /** Closes the listening socket, as a server that is down has none; open connections stay. */
  refuseConnections(): void {
    this.#server.close()
  }

  /** Listens again, on the same port. */
  async acceptConnections(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  get open(): RelayedConnection[] {
    return this.connections.filter(({ isOpen }) => isOpen)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.open.map((connection) => connection.cut()))
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function join(client: Socket, targetPort: number): RelayedConnection {
  const server = connect(targetPort, '127.0.0.1')
  let [toServer, toClient] = ['', '']
  let isFrozen = false
  const serverIsDone = new Promise<void>((resolve) => server.once('close', () => resolve()))
  const cut = () => {
    server.unpipe(client).resume()
    client.destroy()
    if (server.writable) server.write('</stream:stream>')
    return serverIsDone
  }
  client.on('data', (chunk) => {
    toServer += chunk.toString('latin1')
  })
  server.on('data', (chunk) => {
    toClient += chunk.toString('latin1')
  })
  // An end is passed on by pipe; a connection that breaks on one side breaks on the other.
  const passOn = () => {
    if (!isFrozen) void cut()
  }
  client.on('error', passOn).on('close', passOn).pipe(server)
  server.on('error', passOn).on('close', passOn).pipe(client)
  return {
    get toServer() {
      return toServer
    },
    get toClient() {
      return toClient
    },
    get isOpen() {
      return !client.destroyed
    },
    freeze() {
      isFrozen = true
      client.unpipe(server).resume()
      server.unpipe(client).resume()
    },
    cut,
  }
}
