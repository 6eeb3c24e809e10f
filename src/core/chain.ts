/**
 * A first-in, first-out list from whose middle, too, a member can be taken in constant time. (So it can from a Set or a Map,
 * but they make themselves a new table every so many deletions. Once one of the old tables counts as old for V8, its
 * collections of the young take it for alive, and so the next table and all that was in there, one after the other.)
 */
export class Chain<T> {
  #first: Link<T> | undefined
  #last: Link<T> | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The member that has been in it longest. */
  get first(): T | undefined {
    return this.#first?.of
  }

  /** The link must not be in any chain. */
  append(link: Link<T>): void {
    link.chain = this
    link.previous = this.#last
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#length++
  }

  /** All, the one that has been in it longest first; whoever walks along may take out the one where they are. */
  *members(): Generator<T> {
    for (let link = this.#first; link !== undefined; ) {
      const { of, next } = link
      yield of
      link = next
    }
  }

  /** Takes the link out if it is in this chain. */
  remove(link: Link<T>): void {
    if (link.chain !== this) return
    const { previous, next } = link
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    link.chain = undefined
    link.previous = undefined
    link.next = undefined
    this.#length--
  }
}

/** A place in a chain; its owner makes it once and may move it from chain to chain. */
export class Link<T> {
  readonly of: T
  /** The chain it is in. This and the next two are the chain's. */
  chain: Chain<T> | undefined = undefined
  previous: Link<T> | undefined = undefined
  next: Link<T> | undefined = undefined

  constructor(of: T) {
    this.of = of
  }

  /** Takes it out of whatever chain it is in. */
  leave(): void {
    this.chain?.remove(this)
  }
}
