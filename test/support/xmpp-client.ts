import { connect } from 'node:net'
import { type Client, type Credentials, client, type Stanza } from '@xmpp/client'
import { escapeXml } from '../../src/core/xml/escape.ts'
import { until } from './until.ts'
import type { XmppServer } from './xmpp-server.ts'

export type { Stanza }

const password = 'correct horse'

/** A real client (@xmpp/client) of a user, online. Over loopback, without TLS. */
export class XmppClient implements AsyncDisposable {
  readonly jid: string
  /** All that came, in order. */
  readonly received: Stanza[] = []
  #client: Client
  #lastId = 0

  private constructor(xmpp: Client, jid: string) {
    this.#client = xmpp
    this.jid = jid
    xmpp.on('stanza', (stanza: Stanza) => this.received.push(stanza))
  }

  /** Logs in, with presence; `register` has made the account. */
  static async connect(server: XmppServer, user: string, resource = 'phone'): Promise<XmppClient> {
    const service = `xmpp://127.0.0.1:${server.clientPort}`
    // SCRAM's thousands of hashes take this client one to three seconds.
    const credentials: Credentials = (authenticate) => authenticate({ username: user, password }, 'PLAIN')
    const xmpp = client({ service, domain: server.domain, username: user, credentials, resource })
    const faults: Error[] = []
    xmpp.on('error', (error: Error) => faults.push(error))
    const jid = await xmpp.start()
    xmpp.reconnect.stop()
    // The client goes online before it has enabled XEP-0198, and miscounts what it gets in between.
    await until('stream management', () => xmpp.streamManagement.enabled)
    const connected = new XmppClient(xmpp, jid.toString())
    await connected.send('<presence/>')
    return connected
  }

  async send(xml: string): Promise<void> {
    await this.#client.write(xml)
  }

  /** Sends an IQ (its content, without an id) and resolves to the answer, whether result or error. */
  async iq(type: 'get' | 'set', to: string | undefined, content: string): Promise<Stanza> {
    const id = `test-${++this.#lastId}`
    const address = to === undefined ? '' : ` to='${to}'`
    await this.send(`<iq type='${type}' id='${id}'${address}>${content}</iq>`)
    return until(`an answer to ${content}`, () =>
      this.received.find((stanza) => stanza.name === 'iq' && stanza.attrs.id === id),
    )
  }

  async message(to: string, body: string): Promise<void> {
    await this.send(`<message type='chat' to='${to}'><body>${escapeXml(body)}</body></message>`)
  }

  /** Closes the stream: from then on the user is offline. */
  async goOffline(): Promise<void> {
    await this.#client.stop()
  }

  /** Loses the connection, as a phone in a tunnel does: the server keeps the session for a while (XEP-0198). */
  loseConnection(): void {
    this.#client.socket?.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goOffline()
  }
}

/** Makes accounts by in-band registration (XEP-0077). */
export async function register(server: XmppServer, ...users: string[]): Promise<void> {
  for (const user of users) await registerOne(server, user)
}

function registerOne(server: XmppServer, user: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.clientPort, '127.0.0.1')
    let seen = ''
    socket.setEncoding('utf8')
    socket.write(
      `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='${server.domain}'>` +
        `<iq type='set' id='reg'><query xmlns='jabber:iq:register'><username>${user}</username><password>${password}</password></query></iq>`,
    )
    socket.on('data', (chunk) => {
      seen += chunk
      const answer = /<iq[^>]*\btype=['"](result|error)/.exec(seen)
      if (answer === null) return
      socket.end('</stream:stream>')
      if (answer[1] === 'result') resolve()
      else reject(new Error(`${user} was not registered: ${seen}`))
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`${user} was not registered: ${seen}`)))
  })
}
