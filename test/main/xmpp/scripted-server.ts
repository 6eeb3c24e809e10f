import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** Where a scripted server listens, and with which certificate. */
export interface ListenOptions {
  readonly path?: string
  readonly host?: string
  /** 0, the default: any. */
  readonly port?: number
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer }
}

/** The server end of XEP-0114, which does only what the test tells it. */
export class ScriptedServer implements AsyncDisposable {
  readonly peers: Peer[] = []
  readonly #server: Server
  readonly #waiting: ((peer: Peer) => void)[] = []
  #taken = 0

  static async listen(options: ListenOptions = {}): Promise<ScriptedServer> {
    const server = options.tls === undefined ? createServer() : createTlsServer(options.tls)
    const scripted = new ScriptedServer(server, options.tls === undefined ? 'connection' : 'secureConnection')
    const { path, host = '127.0.0.1', port = 0 } = options
    server.listen(path === undefined ? { host, port } : { path })
    await once(server, 'listening')
    return scripted
  }

  private constructor(server: Server, event: string) {
    this.#server = server
    server.on('tlsClientError', () => {})
    server.on(event, (socket: Socket) => {
      this.peers.push(new Peer(socket))
      this.#handOut()
    })
  }

  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  /** The next connection that no test has taken yet, in the order of coming. */
  nextPeer(): Promise<Peer> {
    const { promise, resolve } = Promise.withResolvers<Peer>()
    this.#waiting.push(resolve)
    this.#handOut()
    return promise
  }

  /** Takes the next connection and lets its handshake succeed; `more` follows `<handshake/>` in the same write. */
  async accept(more = ''): Promise<Peer> {
    const peer = await this.nextPeer()
    await peer.accept(more)
    return peer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    for (const peer of this.peers) peer.socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #handOut(): void {
    while (this.#waiting.length > 0 && this.#taken < this.peers.length) {
      const peer = this.peers[this.#taken]
      if (peer === undefined) return
      this.#taken++
      this.#waiting.shift()?.(peer)
    }
  }
}

export const secret = 'pushsecret'
export const domain = 'push.chat.test'

/** One connection, at the server's end. */
export class Peer {
  readonly socket: Socket
  /** All that was received and not yet consumed by `until`. */
  text = ''
  /** Whether it ends the stream when the component does, as servers do. */
  isPolite = true
  /** The component has ended its side or the socket is gone. */
  readonly ended: Promise<void>
  #check: (() => void) | undefined
  #isOver = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      this.text += text
      if (this.isPolite && text.endsWith('</stream:stream>')) socket.end('</stream:stream>')
      this.#check?.()
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    const over = (): void => {
      this.#isOver = true
      resolve()
      this.#check?.()
    }
    socket.on('error', over)
    socket.on('end', over)
    socket.on('close', over)
  }

  send(xml: string): void {
    this.socket.write(xml)
  }

  /** Resolves with the first match in what came in; that and all before it is consumed. Rejects at the end. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    this.#check = () => {
      const match = pattern.exec(this.text)
      if (match !== null) {
        this.text = this.text.slice(match.index + match[0].length)
        this.#check = undefined
        resolve(match)
      } else if (this.#isOver) {
        reject(new Error(`the connection ended before ${pattern}; unread: ${this.text}`))
      }
    }
    this.#check()
    return promise
  }

  /** Reads the component's header and answers it. */
  async open(id = '3796647814901152932'): Promise<void> {
    await this.until(/<stream:stream [^>]*to='push\.chat\.test'[^>]*>/)
    this.send(streamHeader(id))
  }

  /** The digest that the component sends. */
  async digest(): Promise<string> {
    return (await this.until(/<handshake>([^<]*)<\/handshake>/))[1] ?? ''
  }

  async accept(more = ''): Promise<void> {
    await this.open('some id')
    const expected = createHash('sha1').update(`some id${secret}`).digest('hex')
    const digest = await this.digest()
    if (digest !== expected) throw new Error(`digest ${digest}`)
    this.send(`<handshake/>${more}`)
    await this.answerPing()
  }

  /** Answers the next ping of the domain to itself: the first one makes the stream up. */
  async answerPing(): Promise<void> {
    const [, id] = await this.until(
      /<iq type='get' id='([^']*)' from='push\.chat\.test' to='push\.chat\.test'><ping [^>]*\/><\/iq>/,
    )
    this.send(`<iq type='result' id='${id}' from='push.chat.test' to='push.chat.test'/>`)
  }

  /** Refuses with a stream error, as servers do: error, end, FIN. */
  refuse(condition: string, text = ''): void {
    this.socket.end(`${streamError(condition, text)}</stream:stream>`)
  }
}

export function streamHeader(id: string): string {
  return `<?xml version='1.0'?><stream:stream id='${id}' xml:lang='en' xmlns:stream='http://etherx.jabber.org/streams' from='push.chat.test' xmlns='jabber:component:accept'>`
}

export function streamError(condition: string, text = ''): string {
  const ns = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'"
  const words = text === '' ? '' : `<text ${ns}>${text}</text>`
  return `<stream:error><${condition} ${ns}/>${words}</stream:error>`
}

/** An IQ as a server sends it. */
export function iq(id: string, from = 'chat.test', payload = "<ping xmlns='urn:xmpp:ping'/>"): string {
  return `<iq to='push.chat.test' from='${from}' type='get' id='${id}'>${payload}</iq>`
}
