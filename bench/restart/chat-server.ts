/** The XMPP servers that away.ts restarts daemons beside: real ones, and a scripted MongooseIM. */
import { setTimeout as delay } from 'node:timers/promises'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import type { XmppSandbox } from '../../src/sandbox/xmpp-sandbox.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { bare, type ConfigChanges, componentFor, enablePush, service } from '../../test/integration/set-up.ts'
import { startEjabberd } from '../../test/support/ejabberd.ts'
import { freePort } from '../../test/support/free-port.ts'
import { startProsody } from '../../test/support/prosody.ts'
import { register, XmppClient } from '../../test/support/xmpp-client.ts'
import type { XmppServer } from '../../test/support/xmpp-server.ts'

/** Users of an XMPP server whose phones sleep, each with a device of its own, and somebody who writes to them. */
export interface ChatServer extends AsyncDisposable {
  readonly componentPort: number
  /** What the daemon's configuration needs for it. */
  readonly changes: ConfigChanges
  /** The app of the device enables push, and goes to sleep. */
  enable(device: string): Promise<void>
  /** Somebody writes to the user of the device. Rejects when the server is down. */
  write(device: string, body: string): Promise<void>
  /** Before each round. A client that writes for minutes is thrown out by Prosody, for want of acknowledgements. */
  reconnectWriter(): Promise<void>
  /** Resolves when it listens again. */
  restart(): Promise<void>
}

/** Of the scripted server in a restart. How much longer it is down differs, as does how far a pause between two attempts has come. */
const leastDownMs = 1_000

export const chatServers: Readonly<Record<string, () => Promise<ChatServer>>> = {
  ejabberd: async () => RealServer.start(await startEjabberd()),
  Prosody: async () => RealServer.start(await startProsody()),
  MongooseIM: () => ScriptedMongooseIm.start(),
}

class RealServer implements ChatServer {
  readonly componentPort: number
  readonly changes: ConfigChanges
  readonly #server: XmppServer
  readonly #users = new Map<string, string>()
  #writer: XmppClient

  private constructor(server: XmppServer, writer: XmppClient) {
    this.#server = server
    this.#writer = writer
    this.componentPort = server.componentPort
    this.changes = { component: componentFor(server) }
  }

  static async start(server: XmppServer): Promise<RealServer> {
    await register(server, 'writer')
    return new RealServer(server, await XmppClient.connect(server, 'writer'))
  }

  async enable(device: string): Promise<void> {
    const isNew = !this.#users.has(device)
    if (isNew) await register(this.#server, `user-${device}`)
    const phone = await XmppClient.connect(this.#server, `user-${device}`)
    await enablePush(phone, device)
    this.#users.set(device, bare(phone.jid))
    await phone.goOffline()
  }

  async write(device: string, body: string): Promise<void> {
    const user = this.#users.get(device)
    if (user === undefined) throw new Error(`${device} has no user`)
    await this.#writer.message(user, body)
  }

  async reconnectWriter(): Promise<void> {
    await this.#writer.goOffline()
    this.#writer = await XmppClient.connect(this.#server, 'writer')
  }

  async restart(): Promise<void> {
    await this.#writer.goOffline()
    await this.#server.stop()
    await this.#server.start()
    this.#writer = await XmppClient.connect(this.#server, 'writer')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.goOffline()
    await this.#server[Symbol.asyncDispose]()
  }
}

/** Deletes a registration when the daemon is not there, or answers its publish with an error, as MongooseIM does. */
class ScriptedMongooseIm implements ChatServer {
  readonly changes: ConfigChanges = {
    component: { pubsub: false },
    push: { served_hosts: ['example.com'], virtual_pubsub_hosts: [service] },
  }
  readonly componentPort: number
  readonly #registered = new Set<string>()
  #server: XmppSandbox
  /** Then nobody can write to anybody. */
  #isDown = false
  #publishes = 0

  private constructor(server: XmppSandbox) {
    this.#server = server
    this.componentPort = server.port
  }

  static async start(): Promise<ScriptedMongooseIm> {
    return new ScriptedMongooseIm(await sandboxAt(await freePort()))
  }

  async enable(device: string): Promise<void> {
    this.#registered.add(device)
  }

  async write(device: string, body: string): Promise<void> {
    if (this.#isDown) throw new Error('the server is down')
    if (!this.#registered.has(device)) return
    if (this.#server.streamCount(service) === 0) {
      this.#registered.delete(device)
      return
    }
    const publish = publishIq({
      id: `publish-${this.#publishes++}`,
      from: 'example.com',
      to: service,
      node: `node-of-${device}`,
      options: { service: 'apns', device_id: device },
      summary: summaryOf('writer@example.com', body),
    })
    // An answer that never comes deletes nothing: its stream was cut.
    const answer = await this.#server.request(service, publish, { timeoutMs: 2_000 }).catch(() => undefined)
    if (answer?.attr('type') === 'error') this.#registered.delete(device)
  }

  async reconnectWriter(): Promise<void> {}

  async restart(): Promise<void> {
    this.#isDown = true
    await this.#server.close()
    await delay(leastDownMs + Math.random() * 1_000)
    this.#server = await sandboxAt(this.componentPort)
    this.#isDown = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close()
  }
}

function sandboxAt(port: number): Promise<XmppSandbox> {
  return startXmppSandbox({ domains: { [service]: 'change-me' }, secondStream: 'MongooseIM', port, keep: 10 })
}
