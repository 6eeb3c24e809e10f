/**
 * Publishes to App Servers elsewhere, from being asked for to their end. Each is in one place:
 *
 * - `unsent`: its domain has no stream; it goes out when there is one
 * - `sent`: an answer is awaited
 * - `overdue`: the same, for longer than usual; `answerTimeoutMs` in all, and it has ended
 * - `waiting`: it is sent again `againMs` after a `wait`, or an answer that it was not reached, once
 *
 * Who asked is told once: when it has ended, or is stored. That is when it is anywhere but in `sent`. What is stored
 * is owed, whatever happens: after a restart it is sent again.
 *
 * Each delay is the same for all, so every place is in the order in which it is left, and one timer looks at the fronts.
 */
import { bareJid, hostKey } from '../../../core/jid.ts'
import type { Element } from '../../../core/xml/element.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { StoredPublish, Subscription } from '../../store/ports.ts'
import type { PushSafety } from './event-end.ts'
import { KeptPublishes, type KeptPublishPorts } from './kept-publishes.ts'
import { publishIdPrefix, publishIq } from './publish-iq.ts'
import { readPublishAnswer } from './read-publish-answer.ts'
import { RemotePublish } from './remote-publish.ts'
import { StrandedPublishes } from './stranded-publishes.ts'

export interface RemotePublishPorts extends KeptPublishPorts {
  readonly metrics: Metrics
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /** From 0 to below 1. */
  readonly random: () => number
  /** The first of these domains that may send to the user, else another domain that may; undefined: there is none. */
  readonly senderOf: (wanted: readonly string[], user: string) => string | undefined
  /** Whether a domain of ours has a stream. */
  readonly hasStream: (domain: string) => boolean
  /** Sends a stanza from a domain of ours; false: no stream takes it. */
  readonly send: (domain: string, stanza: string) => boolean
  /** The subscription as it is by now; undefined: there is none any more. @throws StoreError */
  readonly find: (user: string, jid: string, node: string) => Subscription | undefined
  /** The App Server took it. */
  readonly taken: (subscription: Subscription) => void
  /** The App Server was not reached, the second time either. */
  readonly unreached: (subscription: Subscription) => void
  /** The App Server wants no more of them; `condition`: its word. */
  readonly refused: (subscription: Subscription, condition: string) => void
}

export interface RemotePublishLimits {
  /** Publishes that have not ended, at most: past it they are refused, and counted. */
  readonly maxPending: number
  /** How long one waits for a stream. */
  readonly lifetimeMs: number
}

/** Any App Server that works has answered by then, even over a connection that had to be made first, as a rule. */
export const overdueMs = 1_000
export const answerTimeoutMs = 30_000
export const againMs = 10_000
const tickMs = 500
/** Those that wait for a stream go out at this pace, and not as a flood. */
const unsentPerTick = 1_000

type PublishEnd = 'taken' | 'refused' | 'failed' | 'timeout' | 'overflow' | 'withdrawn'

export class RemotePublishes {
  readonly #ports: RemotePublishPorts
  readonly #limits: RemotePublishLimits
  readonly #unsent = new Set<RemotePublish>()
  /** By the IQ's id. */
  readonly #sent = new Map<string, RemotePublish>()
  readonly #overdue = new Map<string, RemotePublish>()
  readonly #waiting = new Set<RemotePublish>()
  readonly #kept: KeptPublishes
  /** Of this run: an answer to an earlier one's publish must not be taken for ours. */
  readonly #idStart: string
  #lastNumber = 0
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(limits: RemotePublishLimits, ports: RemotePublishPorts) {
    this.#limits = limits
    this.#ports = ports
    this.#kept = new KeptPublishes(ports)
    ports.metrics.publishesUnanswered.read(() => this.pending)
    this.#idStart = `${publishIdPrefix}${ports.random().toString(36).slice(2)}-`
  }

  /** Those that have not ended. */
  get pending(): number {
    return this.#unsent.size + this.#sent.size + this.#overdue.size + this.#waiting.size
  }

  get full(): boolean {
    return this.pending >= this.#limits.maxPending
  }

  /** Never rejects. */
  publish(
    subscription: Subscription,
    summary: readonly string[],
    domain: string,
  ): 'no-room' | Promise<PushSafety> {
    if (this.full) {
      this.#ports.metrics.limitsHit.child('publishes_sent').add(1)
      this.#tally('overflow')
      return 'no-room'
    }
    const publish = new RemotePublish(subscription, summary, domain, this.#ports.nowMs())
    this.#send(publish)
    this.#keepTicking()
    return publish.safety.promise
  }

  /**
   * Takes up what an earlier run has left: from another domain where its own is no longer ours. What its user has
   * disabled since is over, and what there is no domain for.
   */
  resume(): void {
    const stranded = new StrandedPublishes()
    for (const [id, stored] of this.#ports.publishes.all()) {
      const end = this.#takeUp(id, stored, stranded)
      if (end === undefined) continue
      this.#tally(end)
      this.#kept.forget(id)
    }
    stranded.tell(this.#ports.log)
    this.#keepTicking()
  }

  /**
   * Handles the answer to a publish: only from the address that it was sent to, and to the address that it was sent from.
   * `domain`: the domain of the stream. False: it is not such an answer.
   */
  takeAnswer(domain: string, iq: Element): boolean {
    const id = iq.attr('id') ?? ''
    const publish = this.#sent.get(id) ?? this.#overdue.get(id)
    if (publish === undefined) return false
    if (bareJid(iq.attr('from') ?? '') !== publish.subscription.jid) return false
    const to = bareJid(iq.attr('to') ?? domain)
    if (to === undefined || hostKey(to) !== hostKey(publish.domain)) return false
    this.#sent.delete(id)
    this.#overdue.delete(id)
    const answer = readPublishAnswer(iq)
    switch (answer.kind) {
      case 'taken':
        this.#ports.taken(publish.subscription)
        this.#end(publish, 'taken')
        return true
      case 'refused':
        this.#ports.refused(publish.subscription, answer.condition)
        this.#end(publish, 'refused')
        return true
      case 'unreached':
      case 'again':
        this.#sendAgain(publish, answer.kind)
        return true
      case 'failed':
        this.#end(publish, 'failed')
        return true
    }
  }

  /** No more attempts and no more waiting: what has not ended is stored, for the next run. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    const places = [this.#unsent, this.#sent, this.#overdue, this.#waiting]
    const left = places.flatMap((place) => [...place.values()])
    for (const place of places) place.clear()
    for (const publish of left) this.#kept.keep(publish)
    await Promise.all(left.map(({ safety }) => safety.promise))
  }

  /** How it has ended instead. */
  #takeUp(id: string, stored: StoredPublish, stranded: StrandedPublishes): PublishEnd | undefined {
    const { user, jid, node, summary, domain, createdAtMs } = stored
    const subscription = this.#ports.find(user, jid, node)
    if (subscription === undefined) return 'withdrawn'
    const sender = this.#ports.senderOf([domain, subscription.domain], user)
    if (sender !== domain) stranded.count(domain, sender)
    if (sender === undefined) return 'failed'
    const publish = new RemotePublish(subscription, summary, sender, createdAtMs)
    publish.storedId = id
    publish.safety.resolve('safe')
    this.#unsent.add(publish)
    return undefined
  }

  #send(publish: RemotePublish): void {
    if (!this.#stopped && this.#trySend(publish)) return
    this.#unsent.add(publish)
    this.#kept.keep(publish)
  }

  #trySend(publish: RemotePublish): boolean {
    const { subscription, domain, summary } = publish
    const { hasStream, send, monotonicMs } = this.#ports
    if (!hasStream(domain)) return false
    const id = `${this.#idStart}${this.#lastNumber++}`
    publish.dueMs = monotonicMs() + overdueMs
    // An answer may come from within `send`.
    this.#sent.set(id, publish)
    if (send(domain, publishIq(id, domain, subscription, summary))) return true
    this.#sent.delete(id)
    return false
  }

  #sendAgain(publish: RemotePublish, why: 'unreached' | 'again'): void {
    if (publish.isSecond) {
      if (why === 'unreached') this.#ports.unreached(publish.subscription)
      this.#end(publish, 'failed')
      return
    }
    publish.isSecond = true
    publish.dueMs = this.#ports.monotonicMs() + againMs
    this.#waiting.add(publish)
    this.#kept.keep(publish)
  }

  #keepTicking(): void {
    if (!this.#stopped) this.#timer ??= setInterval(() => this.#tick(), tickMs)
  }

  #tick(): void {
    const nowMs = this.#ports.monotonicMs()
    for (const [id, publish] of this.#sent) {
      if (publish.dueMs > nowMs) break
      this.#sent.delete(id)
      publish.dueMs += answerTimeoutMs - overdueMs
      this.#overdue.set(id, publish)
      this.#kept.keep(publish)
    }
    for (const [id, publish] of this.#overdue) {
      if (publish.dueMs > nowMs) break
      this.#overdue.delete(id)
      this.#end(publish, 'timeout')
    }
    for (const publish of this.#waiting) {
      if (publish.dueMs > nowMs) break
      this.#waiting.delete(publish)
      if (this.#isWanted(publish)) this.#send(publish)
    }
    this.#sendUnsent()
    const isUntidy = this.#kept.retryRemovals()
    if (this.pending > 0 || isUntidy) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #sendUnsent(): void {
    const oldestMs = this.#ports.nowMs() - this.#limits.lifetimeMs
    const away = new Set<string>()
    let room = unsentPerTick
    for (const publish of this.#unsent) {
      const { domain, createdAtMs } = publish
      if (createdAtMs < oldestMs) {
        this.#unsent.delete(publish)
        this.#end(publish, 'failed')
      } else if (room > 0 && !away.has(domain)) {
        if (!this.#ports.hasStream(domain)) away.add(domain)
        else if (!this.#isWanted(publish) || this.#trySend(publish)) {
          this.#unsent.delete(publish)
          room--
        } else away.add(domain)
      }
    }
  }

  /** Whether its user has not disabled push since; with the options by now. What is not wanted ends here. */
  #isWanted(publish: RemotePublish): boolean {
    const { user, jid, node } = publish.subscription
    try {
      const subscription = this.#ports.find(user, jid, node)
      if (subscription === undefined) {
        this.#end(publish, 'withdrawn')
        return false
      }
      publish.subscription = subscription
    } catch (err) {
      this.#ports.log.error(
        { err, user, jid },
        'a push subscription cannot be read: as it was before it is used',
      )
    }
    return true
  }

  #end(publish: RemotePublish, end: PublishEnd): void {
    this.#tally(end)
    publish.safety.resolve('safe')
    if (publish.storedId !== '') this.#kept.forget(publish.storedId)
  }

  #tally(end: PublishEnd): void {
    this.#ports.metrics.publishesSent.child(end).add(1)
  }
}
