import { Chain, Link } from '../../core/chain.ts'
import type { PendingPush } from './pending-push.ts'

/** What waits of one domain: those to be tried again go first, being older, with a deadline that is nearer. */
export class Line {
  /** Its place among the lines that take turns. */
  readonly turn = new Link<Line>(this)
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

/**
 * What became of an offer: the push left its line; or it stays, for there is no room for any, or no more room for its
 * domain.
 */
export type Offered = 'gone' | 'no-room' | 'no-room-for-domain'

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

  /** Offers the first of each line in turn, until one goes or there is no room. Undefined: nothing waits. */
  offer(send: (push: PendingPush) => Offered): Offered | undefined {
    let offered: Offered | undefined
    for (let left = this.#lines.length; left > 0; left--) {
      const line = this.#lines.first
      if (line === undefined) break
      const push = line.first
      if (push === undefined) {
        line.turn.leave()
        continue
      }
      offered = send(push)
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
