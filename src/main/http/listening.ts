import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { Address } from '../address.ts'
import { listenOnSocketFile, removeSocketFile } from './socket-file.ts'

/** What `net.Server.listen` takes in place of an address: a socket of an earlier process, which listens already. */
export type ListenHandle = object

/** The place where a server listens, for as long as that is ours. */
export class Listening {
  /** `HOST:PORT`, with the port that was taken for port 0, or `unix:/path`. */
  readonly where: string
  readonly #server: Server
  /** Of a unix socket, unless another process goes on listening on it. */
  #file: string | undefined

  /** Rejects with the system's error: EADDRINUSE, EACCES … */
  static async at(server: Server, address: Address, handedOver?: ListenHandle): Promise<Listening> {
    if (handedOver !== undefined) {
      server.listen(handedOver)
      await once(server, 'listening')
    } else if (address.kind === 'unix') {
      await listenOnSocketFile(server, address.path)
    } else {
      server.listen(address.port, address.host)
      await once(server, 'listening')
    }
    return new Listening(server, address)
  }

  private constructor(server: Server, address: Address) {
    this.#server = server
    if (address.kind === 'unix') {
      this.#file = address.path
      this.where = `unix:${address.path}`
      return
    }
    const host = address.host.includes(':') ? `[${address.host}]` : address.host
    this.where = `${host}:${(server.address() as AddressInfo).port}`
  }

  /** Has another process go on listening: `give` sends it the server. The server is to be closed then. */
  async handOver(give: (server: Server) => Promise<void>): Promise<void> {
    await give(this.#server)
    this.#file = undefined
  }

  /** To be called when the server closes. */
  end(): void {
    if (this.#file !== undefined) removeSocketFile(this.#file)
    this.#file = undefined
  }
}
