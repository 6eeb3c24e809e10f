import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** A component without a parser: it writes what it is told and looks for text in what comes. */
export class RawComponent {
  readonly #socket: Socket
  readonly closed: Promise<void>
  text = ''
  #changed: () => void = () => undefined

  constructor(where: number | string) {
    this.#socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where)
    this.#socket.setEncoding('utf8')
    this.#socket.on('data', (text: string) => {
      this.text += text
      this.#changed()
    })
    this.closed = new Promise((resolve) => this.#socket.on('close', () => resolve()))
    this.#socket.on('error', () => undefined)
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** What came so far, once it contains this. */
  async until(wanted: string): Promise<string> {
    while (!this.text.includes(wanted)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    return this.text
  }

  /** Opens a stream and sends the digest, or what `change` makes of it. */
  async handshake(domain: string, secret: string, change = (digest: string) => digest): Promise<void> {
    this.write(header(domain))
    const opened = await this.until('>')
    const id = /<stream:stream [^>]*id='([^']*)'/.exec(await this.until('<stream:stream'))?.[1] ?? opened
    this.write(
      `<handshake>${change(
        createHash('sha1')
          .update(id + secret)
          .digest('hex'),
      )}</handshake>`,
    )
  }

  async open(domain: string, secret: string): Promise<this> {
    await this.handshake(domain, secret)
    await this.until('<handshake/>')
    return this
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

export function header(domain: string): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`
}
