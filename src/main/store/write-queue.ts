import type { Logger } from 'pino'
import { StoreError, storeErrorFrom } from './store-error.ts'

/**
 * Groups changes into transactions.
 *
 * At most one group is at the disk; all that is changed meanwhile (or in the same turn of the event
 * loop) forms the next. So one write costs one commit and a thousand cost one too. A group is one LMDB
 * transaction: after a crash all of it is there or none, and groups are there in their order.
 *
 * When a commit fails, the group that has formed behind it fails with it: its changes were decided on
 * what the first had promised. Nothing of either is kept; what is written next starts from the disk.
 *
 * A commit that does not end in `hangMs` counts as failed, so that nobody waits for ever; writes are refused until
 * it ends after all. Should it then have succeeded, its changes are in the store though their writers were told
 * that they are not: for a push that means one copy too many, never one too few.
 */

/** Where changes go: a table. Called by the queue alone. */
export interface WriteTarget {
  /** Gives the newest value of the key to LMDB; called within `transact`. */
  store(key: string): void
  /** The group's change of the key is on disk. */
  stored(key: string, group: WriteGroup): void
  /** Changes that are not on disk never will be. May be called more than once. */
  discard(): void
}

export class WriteGroup {
  readonly targets: WriteTarget[] = []
  readonly keys: string[] = []
  readonly #settled = Promise.withResolvers<void>()
  /** Settled when all of it is on disk, or rejected with a StoreError. */
  readonly durable = this.#settled.promise

  constructor() {
    // Those who wait have promises of their own; a group that nobody waits for may fail unheard.
    this.durable.catch(() => undefined)
  }

  settle(error: StoreError | undefined): void {
    if (error === undefined) this.#settled.resolve()
    else this.#settled.reject(error)
  }
}

/** Makes one transaction of what `puts` gives to LMDB; settled after its fsync. */
export type Transact = (puts: () => void) => Promise<unknown>

/** An fsync on a disk that works takes less, even behind a backup's. A publish still gets its answer in time. */
const standardHangMs = 8_000

export interface WriteQueueOptions {
  readonly hangMs?: number
  /**
   * Asked before each commit of so many changes, and with whether the last one has failed; rejects with why this one
   * would fail. Undefined: it may go on at once.
   */
  readonly prepare?: (changes: number, afterFault: boolean) => Promise<void> | undefined
  /** Called when a commit has failed, before its writers hear of it. Must not reject. */
  readonly failed?: () => Promise<void>
}

export class WriteQueue {
  readonly #transact: Transact
  readonly #log: Logger
  readonly #maxWaiting: number
  #open: WriteGroup | undefined
  #atDisk: WriteGroup | undefined
  /** Has been at the disk for too long, and was given up. */
  #stuck: WriteGroup | undefined
  readonly #hangMs: number
  readonly #prepare: NonNullable<WriteQueueOptions['prepare']>
  readonly #onFailure: NonNullable<WriteQueueOptions['failed']>
  #commits = 0
  #closed = false
  #fault: StoreError | undefined

  /** @param maxWaiting changes that may wait for the disk; past it `write` fails with `busy` */
  constructor(
    transact: Transact,
    maxWaiting: number,
    log: Logger,
    {
      hangMs = standardHangMs,
      prepare = () => undefined,
      failed = async () => undefined,
    }: WriteQueueOptions = {},
  ) {
    this.#hangMs = hangMs
    this.#prepare = prepare
    this.#onFailure = failed
    this.#transact = transact
    this.#maxWaiting = maxWaiting
    this.#log = log
  }

  /** Why the last commit failed; undefined once one has succeeded again. */
  get fault(): StoreError | undefined {
    return this.#fault
  }

  /** Which commit is at the disk, counted from 1; undefined when none is. One that stays is stuck. */
  get commitAtDisk(): number | undefined {
    return this.#atDisk === undefined ? undefined : this.#commits
  }

  /**
   * Runs `change` now; settled with its result when everything it changed, and everything it can have
   * seen, is on disk. `change` must not throw once it has changed something.
   * @throws never; rejects with a StoreError, or with what `change` threw
   */
  write<T>(change: () => T): Promise<T> {
    try {
      this.admit()
      const result = change()
      const group = this.#open ?? this.#atDisk
      return group === undefined ? Promise.resolve(result) : group.durable.then(() => result)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Notes a change of this key. Returns the group it is part of. */
  add(target: WriteTarget, key: string): WriteGroup {
    if (this.#open === undefined) {
      this.#open = new WriteGroup()
      if (this.#atDisk === undefined) this.#commitSoon(this.#open)
    }
    this.#open.targets.push(target)
    this.#open.keys.push(key)
    return this.#open
  }

  /** It still takes changes. */
  isOpen(group: WriteGroup): boolean {
    return group === this.#open
  }

  /** Takes no more writes; settled when those taken are on disk or have failed. False: a commit is still at the disk. */
  async close(): Promise<boolean> {
    this.#closed = true
    while (this.#stuck === undefined && (this.#open !== undefined || this.#atDisk !== undefined)) {
      const group = this.#open ?? this.#atDisk
      await group?.durable.catch(() => undefined)
    }
    return this.#stuck === undefined
  }

  /** @throws StoreError `closed`, `busy`, `io`: what `write` would reject with now */
  admit(): void {
    if (this.#closed) throw new StoreError('closed', 'cannot write to the store: it was closed')
    if (this.#stuck !== undefined) throw hangs()
    const waiting = this.#open?.keys.length ?? 0
    if (waiting >= this.#maxWaiting) {
      throw new StoreError('busy', `cannot write to the store: ${waiting} changes wait for the disk`)
    }
  }

  #commitSoon(group: WriteGroup): void {
    setImmediate(() => void this.#commit(group))
  }

  /** Commits the open group. */
  async #commit(group: WriteGroup): Promise<void> {
    this.#atDisk = group
    this.#commits++
    const hangTimer = setTimeout(() => this.#hang(group), this.#hangMs)
    try {
      // Meanwhile the group is open to further changes.
      await this.#prepare(group.keys.length, this.#fault !== undefined)
      if (this.#stuck === undefined) await this.#transactGroup(group)
    } catch (cause) {
      const error = await commitError(cause)
      await this.#onFailure()
      this.#failed(group, error)
    }
    clearTimeout(hangTimer)
    this.#stuck = undefined
    this.#atDisk = undefined
    if (this.#open !== undefined) this.#commitSoon(this.#open)
  }

  async #transactGroup(group: WriteGroup): Promise<void> {
    this.#open = undefined
    await this.#transact(() => {
      group.targets.forEach((target, i) => {
        target.store(group.keys[i] ?? '')
      })
    })
    this.#committed(group)
  }

  #committed(group: WriteGroup): void {
    if (this.#fault !== undefined) {
      this.#fault = undefined
      this.#log.info('the store takes changes again')
    }
    if (group === this.#stuck) {
      for (const target of new Set(group.targets)) target.discard()
      return
    }
    group.targets.forEach((target, i) => {
      target.stored(group.keys[i] ?? '', group)
    })
    group.settle(undefined)
  }

  #hang(group: WriteGroup): void {
    this.#failed(group, hangs())
    this.#stuck = group
  }

  /** What it settles may have been settled before: when it had hung. */
  #failed(group: WriteGroup, cause: unknown): void {
    const error = storeErrorFrom(cause, 'cannot write to the store')
    if (this.#fault === undefined) this.#log.error({ err: error }, 'the store does not take changes')
    this.#fault = error
    const behind = this.#open
    this.#open = undefined
    for (const { targets } of behind === undefined ? [group] : [group, behind]) {
      for (const target of new Set(targets)) target.discard()
    }
    group.settle(error)
    behind?.settle(error)
  }
}

function hangs(): StoreError {
  return new StoreError(
    'io',
    'cannot write to the store: the disk does not answer; look at the disk of data_dir and at the system log',
  )
}

/** lmdb rejects the writes of a failed transaction with a general error that carries a promise of the real one. */
async function commitError(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (real) {
    return real
  }
}
