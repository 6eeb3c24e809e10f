/** What dispatch is made of, and who tells whom of what. */
import type { Piscina } from 'piscina'
import type { Outcome } from '../../core/outcome.ts'
import type { Journal, Outbox } from '../store/ports.ts'
import { DomainLoads } from './domain-loads.ts'
import { Journalling } from './journalling.ts'
import { type Fates, Judge, type JudgePorts } from './judge.ts'
import { Ledger } from './ledger.ts'
import type { DispatchOptions } from './options.ts'
import { Outbound, type OutboundEvents } from './outbound.ts'
import { OutboxScheduler } from './outbox-scheduler.ts'
import { notStored, Patience } from './patience.ts'
import type { PendingPush } from './pending-push.ts'
import type { ProviderAnswerPorts } from './provider-answers.ts'
import { Safekeeping } from './safekeeping.ts'
import { senderSlot } from './senders.ts'

export interface DispatchPorts extends JudgePorts, ProviderAnswerPorts {
  /** Milliseconds since the epoch: for lifetimes, which begin at a notification's `createdAtMs`. */
  readonly nowMs: () => number
  readonly outbox: Outbox
  readonly journal: Journal
  /** Stops or resumes reading what comes in on a domain's streams. */
  readonly holdReading: (domain: string, held: boolean) => void
  /** As `SessionPorts.threads`. */
  readonly threads?: Piscina | undefined
}

/** What the dispatcher itself has to say. */
export interface DispatchEvents extends OutboundEvents, Pick<Fates, 'tryAgain'> {
  /** Another attempt, this much later, of one that waits for it in memory. */
  retryFromMemory(push: PendingPush, delayMs: number, nowMs: number): void
}

export interface DispatchParts {
  /** The seed of the hash from which senders get their slots. */
  readonly senderSeed: number
  readonly loads: DomainLoads
  readonly ledger: Ledger
  readonly outbound: Outbound
  readonly judge: Judge
  readonly safekeeping: Safekeeping
  readonly patience: Patience
  readonly scheduler: OutboxScheduler
  /** Undefined: pushes go out without being on disk. */
  readonly journalling: Journalling | undefined
}

export function dispatchParts(
  options: DispatchOptions,
  ports: DispatchPorts,
  events: DispatchEvents,
): DispatchParts {
  const { log, metrics, monotonicMs } = ports
  const settle = (push: PendingPush, outcome: Outcome) => ledger.settle(push, outcome)
  const senderSeed = Math.floor(ports.random() * 2 ** 32)

  const loads = new DomainLoads(options, metrics, ports.holdReading)
  const ledger = new Ledger(
    {
      remove: (push, letter) => safekeeping.remove(push, letter),
      storing: (push) => journalling?.handOver(push),
      answered: (push) => journalling?.leave(push),
    },
    loads,
    log,
    metrics,
  )
  const judge = new Judge(
    {
      settle,
      tryAgain: events.tryAgain,
      keep: (push, delayMs) => patience.kept(push, delayMs),
      sendAgain: (push, nowMs) => outbound.put(push, nowMs),
      giveUp: (push, reason, delayMs) => patience.giveUp(push, reason, delayMs),
      remainingMs: (push, nowMs) => patience.remainingMs(push, nowMs),
    },
    options,
    ports,
  )
  const outbound = new Outbound(options, events, loads, ports)
  const safekeeping = new Safekeeping(
    options.defaultTtlS,
    {
      kept: (push) => settle(push, { kind: 'stored' }),
      notKept: (push) => settle(push, notStored),
      superseded: (push, service) => ledger.count(push, service, 'superseded'),
      notPostponed: (push, delayMs) => events.retryFromMemory(push, delayMs, monotonicMs()),
    },
    {
      ...ports,
      laneFor: (notification) => outbound.laneFor(notification),
      slotFor: ({ device }) => senderSlot(device.id, senderSeed),
    },
  )
  const patience = new Patience({ ...ports, options, loads, ledger, safekeeping })
  const scheduler = new OutboxScheduler(
    {
      put: (push) => outbound.put(push, monotonicMs()),
      expired: (push) => patience.giveUp(push, push.lastReason),
      deviceDead: (push) => settle(push, { kind: 'dead_device', reason: '' }),
    },
    {
      ...ports,
      safekeeping,
      queues: outbound.queues,
      shelfFor: (notification) => outbound.laneFor(notification).queue.shelf,
    },
    monotonicMs(),
  )
  const journalEvents = {
    written: (push: PendingPush) => {
      if (!patience.storedAtOnce(push)) outbound.put(push, monotonicMs())
    },
    notWritten: (push: PendingPush) => settle(push, notStored),
  }
  const journalling = options.journalAll
    ? new Journalling(ports.journal, journalEvents, log, monotonicMs)
    : undefined
  return { senderSeed, loads, ledger, outbound, judge, safekeeping, patience, scheduler, journalling }
}
