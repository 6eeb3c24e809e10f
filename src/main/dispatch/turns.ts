import { Chain, Link } from '../../core/chain.ts'
import type { PendingPush } from './pending-push.ts'
import type { SenderLoads } from './senders.ts'

/** Pushes in order of arrival. Retries go first: they are older, and their deadline is nearer. */
class PushLine {
  readonly #again = new Chain<PendingPush>()
  readonly #fresh = new Chain<PendingPush>()

  get length(): number {
    return this.#again.length + this.#fresh.length
  }

  /** The next to go. */
  get first(): PendingPush | undefined {
    return this.#again.first ?? this.#fresh.first
  }

  add(push: PendingPush, isAgain: boolean): void {
    const chain = isAgain ? this.#again : this.#fresh
    chain.append(push.turn)
  }

  members(): PendingPush[] {
    return [...this.#again.members(), ...this.#fresh.members()]
  }
}

/** The waiting pushes of one sender with many pushes, and of senders that share its slot. */
class CrowdLine extends PushLine {
  /** Its place among the crowds that take turns. */
  readonly turn = new Link<CrowdLine>(this)
}

/**
 * The result of an offer: the push left its line; or it stays, because there is no room for any push, for its domain, or
 * for its sender.
 */
export type Offered = 'gone' | 'no-room' | 'no-room-for-domain' | 'no-room-for-sender'

/**
 * With one turn as each other sender has, a sender that became a crowd by chance would send no more than comes in for it,
 * and its pushes would wait at the length that its line has reached: at a full machine 0.7 s in place of 40 ms.
 */
const turnsOfCrowd = 2

/**
 * The waiting pushes of one domain. Senders with few pushes share a line, in order of arrival. A sender with many pushes (a
 * crowd) has a line of its own, which sends `turnsOfCrowd` pushes in the time in which each other sender sends one. So a
 * flooding sender delays only itself, and without one the cost is that of a single line.
 */
export class Line {
  /** Its place among the lines that take turns. */
  readonly turn = new Link<Line>(this)
  readonly #senders: SenderLoads
  readonly #common = new PushLine()
  /** By slot, made when first needed. */
  readonly #ofSlot: (CrowdLine | undefined)[] = []
  readonly #crowds = new Chain<CrowdLine>()
  #turnsSinceCrowd = 0

  /** `senders`: of its domain. */
  constructor(senders: SenderLoads) {
    this.#senders = senders
  }

  get length(): number {
    let { length } = this.#common
    for (const crowd of this.#crowds.members()) length += crowd.length
    return length
  }

  add(push: PendingPush, isAgain: boolean): void {
    // Behind the pushes of its sender that wait already.
    const isOfCrowd = this.#ofSlot[push.sender]?.first !== undefined || this.#senders.isCrowd(push.sender)
    if (isOfCrowd) this.#addToCrowd(push, isAgain)
    else this.#common.add(push, isAgain)
  }

  members(): PendingPush[] {
    return [...this.#common.members(), ...[...this.#crowds.members()].flatMap((crowd) => crowd.members())]
  }

  /** Offers the next pushes, until one is taken or there is no room. Undefined: nothing waits. */
  offer(send: (push: PendingPush) => Offered): Offered | undefined {
    if (this.#crowds.length === 0) return this.#offerCommon(send)
    const crowds = this.#crowds.length
    const others = this.#senders.busy - crowds
    // At least every second push is of the shared line.
    const isCrowdDue = this.#turnsSinceCrowd >= Math.max(1, others / (crowds * turnsOfCrowd))
    const first = isCrowdDue ? this.#offerCrowds(send) : this.#offerCommon(send)
    if (first === 'gone' || first === 'no-room' || first === 'no-room-for-domain') return first
    return (isCrowdDue ? this.#offerCommon(send) : this.#offerCrowds(send)) ?? first
  }

  #offerCommon(send: (push: PendingPush) => Offered): Offered | undefined {
    let offered: Offered | undefined
    for (let push = this.#common.first; push !== undefined; push = this.#common.first) {
      offered = send(push)
      if (offered !== 'no-room-for-sender') break
      // It must not delay those behind it.
      push.turn.leave()
      this.#addToCrowd(push, push.attempts > 0)
    }
    if (offered === 'gone') this.#turnsSinceCrowd++
    return offered
  }

  #offerCrowds(send: (push: PendingPush) => Offered): Offered | undefined {
    let offered: Offered | undefined
    for (let left = this.#crowds.length; left > 0; left--) {
      const crowd = this.#crowds.first
      if (crowd === undefined) break
      const push = crowd.first
      if (push === undefined) {
        crowd.turn.leave()
        continue
      }
      offered = send(push)
      if (offered === 'no-room' || offered === 'no-room-for-domain') break
      crowd.turn.leave()
      if (crowd.first !== undefined) this.#crowds.append(crowd.turn)
      if (offered === 'gone') break
    }
    if (offered === 'gone') this.#turnsSinceCrowd = 0
    return offered
  }

  #addToCrowd(push: PendingPush, isAgain: boolean): void {
    let crowd = this.#ofSlot[push.sender]
    if (crowd === undefined) {
      crowd = new CrowdLine()
      this.#ofSlot[push.sender] = crowd
    }
    crowd.add(push, isAgain)
    if (crowd.turn.chain === undefined) this.#crowds.append(crowd.turn)
  }
}

/**
 * Lines of domains, from which one push each goes in turn: a domain's crowd holds up its own. A line that is emptied
 * out of turn leaves when its turn comes.
 */
export class Turns {
  readonly #lines = new Chain<Line>()

  get length(): number {
    let length = 0
    for (const line of this.#lines.members()) length += line.length
    return length
  }

  members(): PendingPush[] {
    return [...this.#lines.members()].flatMap((line) => line.members())
  }

  add(line: Line, push: PendingPush, isAgain: boolean): void {
    line.add(push, isAgain)
    if (line.turn.chain === undefined) this.#lines.append(line.turn)
  }

  /** Offers the next of each line in turn, until one goes or there is no room. Undefined: nothing waits. */
  offer(send: (push: PendingPush) => Offered): Offered | undefined {
    let offered: Offered | undefined
    for (let left = this.#lines.length; left > 0; left--) {
      const line = this.#lines.first
      if (line === undefined) break
      const next = line.offer(send)
      if (next === undefined) {
        line.turn.leave()
        continue
      }
      offered = next
      if (offered === 'no-room') break
      if (this.#lines.length > 1) {
        line.turn.leave()
        this.#lines.append(line.turn)
      }
      if (offered === 'gone') break
    }
    return offered
  }
}
