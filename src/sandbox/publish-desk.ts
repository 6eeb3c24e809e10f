/** Stanzas by hand: turns the lines that somebody types into what an XMPP server and its clients send. */
import {
  affiliationsIq,
  createNodeIq,
  deleteNodeIq,
  discoInfoIq,
  discoItemsIq,
  type PublishShape,
  pingIq,
  publishIq,
  summaryOf,
} from './stanzas.ts'
import type { XmppSandbox } from './xmpp-sandbox.ts'

export const publishDeskHelp = `  publish NODE SERVICE DEVICE SENDER BODY…    a message (BODY to the end of the line)
  silent NODE SERVICE DEVICE                  a bare <notification/>
  shape mongooseim|ejabberd|prosody           whose words publishes are in from now on
  create NODE, delete NODE                    a client's push node
  affiliate NODE JID AFFILIATION              who may publish to it
  disco [NODE], items, ping                   ask the component
  raw XML                                     whatever you like
  drop                                        cut all streams
  help, quit`

type Desk = Pick<XmppSandbox, 'send' | 'dropStreams' | 'streamCount'>

const shapes: readonly string[] = ['mongooseim', 'ejabberd', 'prosody'] satisfies PublishShape[]

export class PublishDesk {
  readonly #server: Desk
  readonly #domain: string
  readonly #from: string
  #shape: PublishShape = 'mongooseim'
  #sent = 0

  /** `from` is the domain of the XMPP server that is played; its client is `user@…/desk`. */
  constructor(server: Desk, domain: string, from: string) {
    this.#server = server
    this.#domain = domain
    this.#from = from
  }

  /** Does what a line says; the answer to whoever typed it, '' when there is nothing to say, or `quit`. */
  take(line: string): string {
    const [command = '', ...words] = line.trim().split(/\s+/)
    switch (command) {
      case '':
        return ''
      case 'help':
        return publishDeskHelp
      case 'quit':
        return 'quit'
      case 'drop':
        this.#server.dropStreams()
        return ''
      case 'shape':
        return this.#takeShape(words[0])
    }
    const stanza = command === 'raw' ? line.trim().slice('raw'.length).trim() : this.#stanza(command, words)
    if (stanza === undefined) return `not understood: ${line.trim()} ("help" tells what is)`
    if (this.#server.streamCount(this.#domain) === 0) return 'no component is connected'
    this.#server.send(this.#domain, stanza)
    return ''
  }

  #takeShape(shape: string | undefined): string {
    if (shape === undefined || !shapes.includes(shape)) return `shapes: ${shapes.join(', ')}`
    this.#shape = shape as PublishShape
    return ''
  }

  #stanza(command: string, words: readonly string[]): string | undefined {
    const id = `desk-${++this.#sent}`
    const client = { id, from: `user@${this.#from}/desk`, to: this.#domain }
    const [node, service, device, sender, ...body] = words
    switch (command) {
      case 'publish':
      case 'silent': {
        if (node === undefined || service === undefined || device === undefined) return undefined
        const values = { id, from: this.#from, to: this.#domain, node, shape: this.#shape }
        const options = { service, device_id: device }
        if (command === 'silent') return publishIq({ ...values, options, bare: true })
        if (sender === undefined || body.length === 0) return undefined
        return publishIq({ ...values, options, summary: summaryOf(sender, body.join(' ')) })
      }
      case 'create':
        return node === undefined ? undefined : createNodeIq(client, node)
      case 'delete':
        return node === undefined ? undefined : deleteNodeIq(client, node)
      case 'affiliate': {
        const [, jid, affiliation] = words
        if (node === undefined || jid === undefined || affiliation === undefined) return undefined
        return affiliationsIq(client, node, { [jid]: affiliation })
      }
      case 'disco':
        return discoInfoIq(client, node)
      case 'items':
        return discoItemsIq(client)
      case 'ping':
        return pingIq(client)
      default:
        return undefined
    }
  }
}
