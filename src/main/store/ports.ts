import type { Notification } from '../../core/notification.ts'
import type { NotificationOutcome } from '../metrics/table.ts'
import type { StoreError } from './store-error.ts'

/** A client's wish to be pushed to: one (user, jid, node) is one subscription (XEP-0357 §5). Never changed, only replaced. */
export interface Subscription {
  /** Bare JID. */
  readonly user: string
  /** The App Server, as a bare JID. */
  readonly jid: string
  readonly node: string
  /** The publish-options that it was enabled with, in their order, FORM_TYPE left out. */
  readonly options: readonly (readonly [name: string, value: string])[]
  /** Full JID of the client that enabled it last; '' when that is not known. */
  readonly session: string
  /** The domain of ours that it was enabled on: publishes come from there. '' when that is not known. */
  readonly domain: string
  /** Milliseconds since the epoch. */
  readonly enabledAtMs: number
  /** When it was enabled, or last taken by its App Server; known to a day. */
  readonly usedAtMs: number
  /** Failures to reach the App Server; undefined: the last publish reached it. */
  readonly outage: Outage | undefined
}

/** Publishes in a row that did not reach an App Server. */
export interface Outage {
  /** Their number; the count stops at `maxFailures` of the store. */
  readonly failures: number
  /** The time of the first one; milliseconds since the epoch. */
  readonly sinceMs: number
}

export interface SubscriptionPage {
  readonly subscriptions: readonly Subscription[]
  /** To ask for the page behind; undefined: there is none. */
  readonly next: string | undefined
}

/** Push subscriptions. Reads are synchronous; a promise is settled when the change is on disk. */
export interface SubscriptionStore {
  /** All of a user (bare JID), the one enabled first in front. */
  of(user: string): Subscription[]
  /** Those on disk, host by host and user by user, behind `after` (`next` of the page before), `limit` at most. */
  page(after: string | undefined, limit: number): SubscriptionPage
  /** Adds it, or replaces the one of the same user, jid and node. Of those above `maxPerUser` the longest unused go: how many. */
  put(subscription: Subscription, maxPerUser: number): Promise<number>
  /** Without a node all of that App Server; how many there were. */
  remove(user: string, jid: string, node: string | undefined): Promise<number>
  /** Removes it unless it was enabled again since it was read. */
  removeSame(subscription: Subscription): Promise<boolean>
  removeUser(user: string): Promise<number>
  /** Removes a user's subscriptions that were enabled on one of these domains. Resolves to their number. */
  removeEnabledOn(user: string, domains: ReadonlySet<string>): Promise<number>
  /** All of a host's users, a part after the other; how many. */
  removeDomain(domain: string): Promise<number>
  /** Notes that its App Server took a publish. */
  used(subscription: Subscription, atMs: number): Promise<void>
  /**
   * Records that a publish did not reach its App Server. After many in a row, over days, it removes the subscription and
   * resolves to true, unless the subscription was enabled again since it was read.
   */
  unreached(subscription: Subscription, atMs: number): Promise<boolean>
  count(): number
}

/** An acknowledged push as it waits for delivery. */
export interface StoredPush {
  readonly notification: Notification
  /** With which others it waits: one shelf's trouble keeps nothing of another's back. */
  readonly shelf: string
  /**
   * The slot of its sender within the domain, a small number that does not identify the sender; undefined: an earlier version
   * stored it.
   */
  readonly sender: number | undefined
  /** Attempts at the gateway that have ended. */
  readonly attempts: number
  /** The text was cut because it had been too large. */
  readonly shortened: boolean
  /** Why the next attempt is made again: a label of `retries_total`; '' before the first. */
  readonly retryCause: string
  /** What the last attempt came to. */
  readonly lastReason: string
  /** The unknown word met last, and how often in a row. */
  readonly unknownReason: string
  readonly unknownCount: number
  /** When the next attempt is due. Milliseconds since the epoch. */
  readonly dueAtMs: number
  /** Which run of the daemon wrote this: a number of its own. */
  readonly run: number
}

/** Room above the common limit. */
export interface Spare {
  readonly pushes: number
  readonly bytes: number
}
export const noSpare: Spare = { pushes: 0, bytes: 0 }

/** The limit that leaves no room for a push: a label of `limits_hit_total`. */
export type StoredLimit = 'max_stored' | 'max_stored_bytes' | 'sender_stored'

/** A push that was given to the store. */
export interface Addition {
  readonly id: string
  /** The older push to the same node and device whose place it took. */
  readonly superseded: string | undefined
  /** Settled when it is on disk; rejected with a StoreError when it will never be, and nothing was superseded. */
  readonly durable: Promise<void>
}

/**
 * Pushes for later delivery. Each change is part of the next group commit; reads see it at once, but `due` and `from`
 * only once it is on disk.
 */
export interface Outbox {
  /**
   * Stores it; or says why there is no room: it holds `max_stored` pushes or `max_stored_bytes`, and `spare`, already, or
   * the push's domain has its share of that, or its sender of what the domain may have. Throws a StoreError when the store
   * takes no more changes.
   */
  add(push: StoredPush, spare: Spare): Addition | StoredLimit
  /** Notes the end of a push that is not in it. */
  refuse(notification: Notification, letter: LetterText): Promise<void>
  get(id: string): StoredPush | undefined
  /** The push is due again. False when there is no such push. */
  reschedule(id: string, push: StoredPush): Promise<boolean>
  /** The push was delivered, or ended with the letter. False when there was none, and no letter is written. */
  remove(id: string, letter: LetterText | undefined): Promise<boolean>
  /**
   * Ids of those due, at most `limit`, leaving out those for which `taken` is true: as many of each domain, as far as
   * there are, in due order.
   */
  due(shelf: string, nowMs: number, limit: number, taken: (id: string) => boolean): string[]
  /** What names the shelves, for `clear`, on which there is something though they are not among `known`. */
  strayShelves(known: readonly string[]): string[]
  /** Puts at most `limit` pushes from a stray shelf to where `shelfOf` says; how many. */
  clear(stray: string, shelfOf: (notification: Notification) => string, limit: number): Promise<number>
  /** From this id on, in the order of storing. */
  from(id: string, limit: number): [id: string, push: StoredPush][]
  /** Why the store takes no changes at present. */
  readonly fault: StoreError | undefined
  /** All of them, and those on their way to the disk. */
  readonly size: number
  /** Stored and acknowledged. */
  count(): number
  /** The disk space of all of them, in bytes. */
  bytes(): number
  /** When the push that is stored longest was stored; undefined: there is none, or the store cannot be read. */
  oldestAtMs(): number | undefined
}

/** Why an acknowledged push was not delivered. */
export type LetterReason = Exclude<NotificationOutcome, 'delivered'>

/** What is noted of a push that was not delivered. */
export interface LetterText {
  readonly reason: LetterReason
  /** The gateway's word, if it had one. */
  readonly detail: string
}

export interface DeadLetter extends LetterText {
  readonly id: string
  readonly atMs: number
  readonly notification: Notification
}

export interface DeadLetterPage {
  /** Newest first. */
  readonly letters: readonly DeadLetter[]
  /** To ask for the page behind; undefined: there is none. */
  readonly next: string | undefined
}

/** Records of acknowledged pushes that were not delivered: limited by age and by number, the oldest go first. */
export interface DeadLetterStore {
  get(id: string): DeadLetter | undefined
  /** False: there was none. */
  remove(id: string): Promise<boolean>
  /** `before`: an id; undefined: from the newest on. */
  list(limit: number, before: string | undefined): DeadLetterPage
  /** Removes those that are too old; how many. */
  sweep(): Promise<number>
  count(): number
}

/** A group that was given to the journal. */
export interface JournalAddition {
  readonly id: string
  /** Settled when it is on disk; rejected with a StoreError otherwise. After a commit that hung it may be there all the same. */
  readonly durable: Promise<void>
}

/**
 * What was accepted and has not ended, for the case that the process does not live to see the end. Groups of pushes;
 * a push is known by its group and its place in it. Each change is part of the next group commit.
 */
export interface Journal {
  /** Throws a StoreError when the store takes no more changes. */
  add(notifications: readonly Notification[]): JournalAddition
  /** The places of all of the group that have ended. */
  ended(id: string, places: readonly number[]): Promise<void>
  /** The group anew, shorter: undefined where one has ended. */
  replace(id: string, group: readonly (Notification | undefined)[]): Promise<void>
  /** All of the group have ended. Rejects while a commit hangs that may yet bring it. */
  remove(id: string): Promise<void>
  /** What earlier runs have left: groups, the oldest first, without those that have ended. */
  left(limit: number): [id: string, notifications: readonly Notification[]][]
}

/** A publish to an App Server elsewhere that is still owed: to whom, not with what options; those are the subscription's. */
export interface StoredPublish {
  readonly user: string
  readonly jid: string
  readonly node: string
  /** The domain of ours that sends it. */
  readonly domain: string
  /** The summary's fields: flat, name, value, name, value … */
  readonly summary: readonly string[]
  /** When it was told of. Milliseconds since the epoch. */
  readonly createdAtMs: number
}

/** Publishes to App Servers elsewhere that were not answered soon. */
export interface PublishStore {
  /** `durable` is settled when it is on disk; rejected with a StoreError when it will never be. */
  add(publish: StoredPublish): { readonly id: string; readonly durable: Promise<void> }
  /** It has ended. Rejects with a StoreError. */
  remove(id: string): Promise<void>
  /** Those on disk, the one stored first in front. */
  all(): [id: string, publish: StoredPublish][]
}
