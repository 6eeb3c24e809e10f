/**
 * Publishes and message events over HTTP, beside those of an XMPP server: what is answered 2xx is acknowledged, and has
 * to be with the gateway in the end. A request is a stream of its own in the ledger: it has its answer, or nobody will.
 */
import type { DaemonProcess } from './daemon-process.ts'
import type { AnswerKind, Ledger } from './ledger.ts'
import { messageText } from './publish-text.ts'
import { now } from './rig.ts'

/** Users with push enabled, each with a device that all events to it go to. */
const users = 20
/** Slots in the ledger beside those of an XMPP source's shared devices. */
const firstSlot = 1_000
const tickMs = 20
const type = { 'content-type': 'application/json' }

export class HttpSource {
  readonly #daemon: DaemonProcess
  readonly #domain: string
  readonly #ledger: Ledger
  readonly #random: () => number
  readonly #underWay = new Set<Promise<void>>()
  #pacer: NodeJS.Timeout | undefined
  /** Requests that were answered 2xx. */
  acknowledged = 0

  /** `domain`: a virtual host, whose users the daemon serves, too. */
  constructor(daemon: DaemonProcess, domain: string, ledger: Ledger, random: () => number) {
    this.#daemon = daemon
    this.#domain = domain
    this.#ledger = ledger
    this.#random = random
  }

  /** Enables push for the users; the daemon is ready. */
  async subscribe(): Promise<void> {
    const subscriptions = Array.from({ length: users }, (_, i) => ({
      user: this.#user(i),
      jid: this.#domain,
      node: `node-e${i}`,
      options: { service: i % 2 === 0 ? 'fcm' : 'apns', device_id: `e${i}` },
    }))
    const response = await this.#post('/admin/subscriptions/import', { subscriptions })
    if (response.status !== 200) throw new Error(`not subscribed: ${response.status}`)
  }

  /** So many a second, every other one an event. */
  start(perS: number): void {
    const startedMs = performance.now()
    let done = 0
    this.#pacer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * perS)
      for (; done < due; done++) this.#send(done % 2 === 0)
    }, tickMs)
  }

  /** Sends nothing more; resolves when all have their answers, or never will. */
  async stop(): Promise<void> {
    clearInterval(this.#pacer)
    await Promise.all(this.#underWay)
  }

  #send(isEvent: boolean): void {
    const sent = (isEvent ? this.#event() : this.#publish()).then(() => {
      this.#underWay.delete(sent)
    })
    this.#underWay.add(sent)
  }

  #publish(): Promise<void> {
    const stream = this.#ledger.newStream()
    const sequence = this.#ledger.publish(stream, 0, now())
    return this.#ask(stream, sequence, '/v1/publish', {
      host: this.#domain,
      node: `node-d${sequence}`,
      options: { service: 'fcm', device_id: `d${sequence}` },
      summary: { 'message-count': 1, 'last-message-body': messageText(sequence, `d${sequence}`) },
    })
  }

  #event(): Promise<void> {
    const user = Math.floor(this.#random() * users)
    const stream = this.#ledger.newStream()
    const sequence = this.#ledger.publish(stream, firstSlot + user, now())
    return this.#ask(stream, sequence, '/v1/events/message', {
      to: this.#user(user),
      from: `juliet@${this.#domain}`,
      type: 'chat',
      id: `m-${sequence}`,
      body: messageText(sequence, `e${user}`),
    })
  }

  /** Never rejects. */
  async #ask(stream: number, sequence: number, path: string, body: object): Promise<void> {
    try {
      const response = await this.#post(path, body)
      const text = await response.text()
      this.#ledger.answered(sequence, kindOf(response.status), `${response.status} ${text}`, now())
      if (response.ok) this.acknowledged++
    } catch {
      // The daemon is away, or went away.
      this.#ledger.streamClosed(stream)
    }
  }

  #post(path: string, body: object): Promise<Response> {
    return this.#daemon.request(path, { method: 'POST', headers: type, body: JSON.stringify(body) })
  }

  #user(i: number): string {
    return `u${i}@${this.#domain}`
  }
}

function kindOf(status: number): AnswerKind {
  if (status >= 200 && status < 300) return 'result'
  if (status === 410) return 'dead_device'
  // No request of a run deserves any other.
  return status === 429 || status === 500 || status === 503 ? 'wait' : 'cancel'
}
