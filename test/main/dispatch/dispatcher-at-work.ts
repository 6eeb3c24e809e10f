import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Notification } from '../../../src/core/notification.ts'
import type { Outcome } from '../../../src/core/outcome.ts'
import { Dispatcher } from '../../../src/main/dispatch/dispatcher.ts'
import type { DeadDeviceFound } from '../../../src/main/dispatch/judge.ts'
import type { DispatchOptions } from '../../../src/main/dispatch/options.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'
import { LmdbDeadDeviceStore } from '../../../src/main/store/dead-devices.ts'
import { deadLetterDefaults, LmdbDeadLetterStore } from '../../../src/main/store/dead-letters.ts'
import { LmdbJournal } from '../../../src/main/store/journal.ts'
import { LmdbOutbox, type OutboxOptions } from '../../../src/main/store/outbox.ts'
import { openStore, scratchDirectory } from '../store/open-store.ts'

/** The dispatcher with a real worker thread and store; retries are quick, all else as by default. */
export interface DispatcherAtWork extends AsyncDisposable {
  readonly dispatcher: Dispatcher
  readonly deadDevices: LmdbDeadDeviceStore
  readonly outbox: LmdbOutbox
  readonly letters: LmdbDeadLetterStore
  /** What a next run would find in the journal: groups of device ids. */
  journalled(): string[][]
  readonly storeFile: string
  /** A directory like the one that a next run would find if this one died now. */
  deathMask(): { readonly path: string } & Disposable
  readonly deaths: { readonly notification: Notification; readonly found: DeadDeviceFound }[]
  readonly log: Record<string, unknown>[]
  /** Domains whose streams are not read. */
  readonly held: ReadonlySet<string>
  /** Its outcome; rejects when it is not taken or settled more than once. */
  push(notification: Notification, sender?: string): Promise<Outcome>
  /** A line of `/metrics`, such as `retries_total{cause="timeout"}`: its value. */
  metric(line: string): Promise<number | undefined>
}

export async function dispatcherAtWork({
  outbox: outboxChange = {},
  directory: given,
  whileStarting,
  tokenRefused = () => undefined,
  random = Math.random,
  ...options
}: Partial<DispatchOptions> &
  Pick<DispatchOptions, 'urls'> & {
    readonly outbox?: Partial<OutboxOptions>
    /** Kept when it ends; without it, one of its own is made, and removed. */
    readonly directory?: string
    /** Called before the start is done. */
    readonly tokenRefused?: (pool: number, header: string) => void
    readonly random?: () => number
    readonly whileStarting?: (dispatcher: Dispatcher) => void
  }): Promise<DispatcherAtWork> {
  const directory =
    given === undefined ? scratchDirectory() : { path: given, [Symbol.dispose]: () => undefined }
  const storeFile = join(directory.path, 'store.mdb')
  const store = await openStore(directory.path)
  const deadDevices = new LmdbDeadDeviceStore(store, { ttlS: 1_000, nowMs: Date.now })
  const letters = new LmdbDeadLetterStore(store, { ...deadLetterDefaults, nowMs: Date.now })
  const outboxOptions = {
    maxStored: 100_000,
    maxStoredBytes: 1e12,
    domainShare: 1,
    collapse: true,
    nowMs: Date.now,
    ...outboxChange,
  }
  const outbox = new LmdbOutbox(store, letters, outboxOptions)
  const journal = new LmdbJournal(store, Date.now)
  const metrics = new Metrics('test')
  const deaths: { notification: Notification; found: DeadDeviceFound }[] = []
  const log: Record<string, unknown>[] = []
  const held = new Set<string>()
  const dispatcher = new Dispatcher(
    {
      apiVersion: 'v3',
      pathPrefix: '/',
      defaults: { title: 'New message', body: 'You have a new message' },
      tls: { ca: undefined, verify: true },
      maxHttpConnections: 16,
      requestTimeoutMs: 2_000,
      workers: 1,
      workerHangMs: 5_000,
      replyDeadlineMs: 10_000,
      maxPending: 10_000,
      maxPendingBytes: 268_435_456,
      domains: ['push.test'],
      retry: { baseMs: 20, capMs: 100, maxAttempts: 0 },
      suspectLimit: 5,
      defaultTtlS: 86_400,
      journalAll: false,
      pools: [],
      direct: false,
      suspectShare: 0.05,
      ...options,
    },
    {
      nowMs: Date.now,
      monotonicMs: () => performance.now(),
      random,
      log: pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) }),
      metrics,
      deadDevices,
      outbox,
      journal,
      onDeadDevice: (notification, found) => void deaths.push({ notification, found }),
      registeredAtMs: ({ enabledAtMs }) => enabledAtMs,
      tokenRefused,
      holdReading: (domain, isHeld) => void (isHeld ? held.add(domain) : held.delete(domain)),
    },
  )
  const started = dispatcher.start()
  whileStarting?.(dispatcher)
  await started
  return {
    dispatcher,
    deadDevices,
    outbox,
    letters,
    journalled() {
      const groups = new LmdbJournal(store, Date.now).left(Number.POSITIVE_INFINITY)
      return groups.map(([, group]) => group.map(({ device }) => device.id))
    },
    storeFile,
    deathMask() {
      const mask = scratchDirectory()
      copyFileSync(storeFile, join(mask.path, 'store.mdb'))
      return mask
    },
    deaths,
    log,
    held,
    push: (notification, sender) => outcomeOf(dispatcher, notification, sender),
    async metric(line) {
      const { body } = await metrics.render(undefined)
      const found = body.split('\n').find((text) => text.startsWith(`xmpp_pushd_${line} `))
      return found === undefined ? undefined : Number(found.split(' ').at(-1))
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.stop(0)
      await store.close()
      directory[Symbol.dispose]()
    },
  }
}

export function outcomeOf(
  dispatcher: Dispatcher,
  notification: Notification,
  sender = notification.device.id,
): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
  let outcome: Outcome | undefined
  let submitting = true
  const sink = {
    settle(settled: Outcome) {
      if (submitting) throw new Error('settled within submit')
      if (outcome !== undefined) throw new Error(`settled again: ${outcome.kind}, then ${settled.kind}`)
      outcome = settled
      resolve(settled)
    },
  }
  const accepted = dispatcher.submit(notification, sink, notification.domain, sender)
  submitting = false
  if (!accepted) reject(new Error('not accepted'))
  return promise
}
