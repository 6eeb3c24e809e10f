import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

const deep = '<a>'.repeat(200)
const hostilities = [
  '<iq><unfinished',
  '<iq></message>',
  `<message>${deep}`,
  '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><message>&b;</message>',
  '<message><!-- a comment --></message>',
  '<?php ?>',
  `<message ${Array.from({ length: 500 }, (_, i) => `a${i}='x'`).join(' ')}/>`,
  `<message a='${'x'.repeat(400_000)}'/>`,
  `<message>${'x'.repeat(400_000)}</message>`,
  '<message>&undeclared;</message>',
  Buffer.from([0x3c, 0x6d, 0xff, 0xfe, 0x00]),
  '</stream:stream><iq/>',
]

/** An XMPP server that sends, on each stream, one hostile thing and then what ends it; a quiet one until `begin`. */
export class HostileServer implements AsyncDisposable {
  streams = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #begun = false

  private constructor() {
    this.#server = createServer((socket) => this.#accept(socket))
  }

  static async start(): Promise<HostileServer> {
    const hostile = new HostileServer()
    await new Promise<void>((resolve) => hostile.#server.listen(0, '127.0.0.1', resolve))
    return hostile
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  begin(): void {
    this.#begun = true
    for (const socket of this.#sockets) this.#attack(socket)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    let read = ''
    let greeted = false
    socket.on('data', (chunk) => {
      if (greeted) return
      read += chunk.toString('latin1')
      if (read.includes('</handshake>')) {
        greeted = true
        this.streams++
        socket.write('<handshake/>')
        if (this.#begun) this.#attack(socket)
      } else if (read.includes('<stream:stream') && !read.includes('<handshake')) {
        socket.write(
          "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' " +
            "xmlns='jabber:component:accept' from='hostile.run.test' id='hostile'>",
        )
      }
    })
  }

  #attack(socket: Socket): void {
    socket.write(hostilities[this.streams % hostilities.length] ?? '<')
    // Some cost no stream: this does, so that the next one's turn comes.
    socket.write('<!-- -->')
  }
}
