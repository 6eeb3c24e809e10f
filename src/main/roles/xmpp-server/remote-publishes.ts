/**
 * Publishes to App Servers elsewhere, from being sent to their answer.
 *
 * Each is `sent` (an answer is awaited, `answerTimeoutMs` at most) or `waiting` (it is sent again `againMs` after a
 * `wait`, once). Both delays are the same for all, so that both lists are in the order in which they end, and one
 * timer looks at their fronts.
 */
import { bareJid } from '../../../core/jid.ts'
import type { Element } from '../../../core/xml/element.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { Subscription } from '../../store/ports.ts'
import { stanzaErrorNs } from '../app-server/namespaces.ts'
import { publishIq } from './publish-iq.ts'

export interface RemotePublishPorts {
  readonly metrics: Metrics
  readonly monotonicMs: () => number
  /** From 0 to below 1. */
  readonly random: () => number
  /** Sends a stanza from a domain of ours; false: it has no stream. */
  readonly send: (domain: string, stanza: string) => boolean
  /** The App Server took it. */
  readonly taken: (subscription: Subscription) => void
  /** The App Server wants no more of them; `condition`: its word. */
  readonly refused: (subscription: Subscription, condition: string) => void
}

export const answerTimeoutMs = 30_000
export const againMs = 10_000
const tickMs = 500

/** Ids of publishes begin with it: answers are known by it before anything is looked up. */
const idPrefix = 'xmpp-pushd-publish-'

interface RemotePublish {
  readonly subscription: Subscription
  readonly domain: string
  readonly summary: readonly string[]
  readonly isSecond: boolean
  /** When the answer, or the second attempt, is due. */
  dueMs: number
}

export class RemotePublishes {
  readonly #ports: RemotePublishPorts
  readonly #maxPending: number
  /** By id, longest sent first. */
  readonly #sent = new Map<string, RemotePublish>()
  /** Longest waiting first. */
  readonly #waiting = new Set<RemotePublish>()
  /** Of this run: an answer to an earlier one's publish must not be taken for ours. */
  readonly #idStart: string
  #lastNumber = 0
  #timer: NodeJS.Timeout | undefined

  /** @param maxPending past it publishes are dropped, and counted */
  constructor(maxPending: number, ports: RemotePublishPorts) {
    this.#maxPending = maxPending
    this.#ports = ports
    this.#idStart = `${idPrefix}${ports.random().toString(36).slice(2)}-`
  }

  /** Sent or waiting. */
  get pending(): number {
    return this.#sent.size + this.#waiting.size
  }

  get full(): boolean {
    return this.pending >= this.#maxPending
  }

  publish(subscription: Subscription, summary: readonly string[], domain: string): void {
    if (this.full) {
      this.#ports.metrics.limitsHit.child('publishes_sent').add(1)
      this.#tally('overflow')
      return
    }
    this.#send({ subscription, domain, summary, isSecond: false, dueMs: 0 })
    this.#timer ??= setInterval(() => this.#tick(), tickMs)
  }

  /** Takes the answer to a publish of ours: only from whom it was sent to. False: it is none. */
  takeAnswer(iq: Element): boolean {
    const id = iq.attr('id') ?? ''
    const publish = this.#sent.get(id)
    if (publish === undefined) return false
    if (bareJid(iq.attr('from') ?? '') !== publish.subscription.jid) return false
    this.#sent.delete(id)
    if (iq.attr('type') === 'result') {
      this.#tally('taken')
      this.#ports.taken(publish.subscription)
      return true
    }
    const error = errorOf(iq)
    switch (error.type) {
      case 'cancel':
        this.#tally('refused')
        this.#ports.refused(publish.subscription, error.condition)
        return true
      case 'wait':
        this.#tryAgain(publish)
        return true
      default:
        this.#tally('failed')
        return true
    }
  }

  /** No more attempts and no more waiting. */
  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#sent.clear()
    this.#waiting.clear()
  }

  #send(publish: RemotePublish): void {
    const id = `${this.#idStart}${this.#lastNumber++}`
    const { subscription, domain, summary } = publish
    publish.dueMs = this.#ports.monotonicMs() + answerTimeoutMs
    // An answer may come from within `send`.
    this.#sent.set(id, publish)
    if (this.#ports.send(domain, publishIq(id, domain, subscription, summary))) return
    this.#sent.delete(id)
    this.#tryAgain(publish)
  }

  #tryAgain({ subscription, domain, summary, isSecond }: RemotePublish): void {
    if (isSecond) {
      this.#tally('failed')
      return
    }
    const dueMs = this.#ports.monotonicMs() + againMs
    this.#waiting.add({ subscription, domain, summary, isSecond: true, dueMs })
  }

  #tick(): void {
    const nowMs = this.#ports.monotonicMs()
    for (const [id, { dueMs }] of this.#sent) {
      if (dueMs > nowMs) break
      this.#sent.delete(id)
      this.#tally('timeout')
    }
    for (const publish of this.#waiting) {
      if (publish.dueMs > nowMs) break
      this.#waiting.delete(publish)
      this.#send(publish)
    }
    if (this.pending > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tally(result: 'taken' | 'refused' | 'failed' | 'timeout' | 'overflow'): void {
    this.#ports.metrics.publishesSent.child(result).add(1)
  }
}

/** Whether an IQ's id is of a publish that this or an earlier run has sent. */
export function isPublishId(id: string): boolean {
  return id.startsWith(idPrefix)
}

function errorOf(iq: Element): { readonly type: string | undefined; readonly condition: string } {
  for (const error of iq.elements('error')) {
    const condition = error.elements(undefined, stanzaErrorNs).find(({ name }) => name !== 'text')
    return { type: error.attr('type'), condition: condition?.name ?? 'undefined-condition' }
  }
  return { type: undefined, condition: 'undefined-condition' }
}
