import type { PendingPush } from './pending-push.ts'

/** Pushes that wait to be tried again, the one due first on top: a binary heap by `dueMs`. */
export class DueHeap {
  readonly #heap: PendingPush[] = []

  get length(): number {
    return this.#heap.length
  }

  add(push: PendingPush): void {
    const heap = this.#heap
    let i = heap.length
    heap.push(push)
    while (i > 0) {
      const parentIndex = (i - 1) >> 1
      const parent = heap[parentIndex]
      if (parent === undefined || parent.dueMs <= push.dueMs) break
      heap[i] = parent
      i = parentIndex
    }
    heap[i] = push
  }

  /** Takes out all, in no order. */
  takeAll(): PendingPush[] {
    return this.#heap.splice(0)
  }

  /** Takes out the first if it is due. */
  takeDue(nowMs: number): PendingPush | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.dueMs > nowMs) return undefined
    const last = this.#heap.pop()
    if (last !== undefined && last !== first) this.#sink(last)
    return first
  }

  /** Puts `push` where the top is, then down to its place. */
  #sink(push: PendingPush): void {
    const heap = this.#heap
    let i = 0
    for (;;) {
      let childIndex = 2 * i + 1
      let child = heap[childIndex]
      if (child === undefined) break
      const right = heap[childIndex + 1]
      if (right !== undefined && right.dueMs < child.dueMs) {
        child = right
        childIndex++
      }
      if (push.dueMs <= child.dueMs) break
      heap[i] = child
      i = childIndex
    }
    heap[i] = push
  }
}
