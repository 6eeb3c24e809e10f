import type { Logger } from 'pino'
import type { Device } from '../../core/notification.ts'
import type { RestartState } from '../handover/restarts.ts'
import type { ImportedSubscription } from '../imports/imported-subscription.ts'
import type { Metrics } from '../metrics/table.ts'
import type { PublishSink } from '../roles/app-server/publish-end.ts'
import type { PublishInput } from '../roles/app-server/publish-input.ts'
import type { EventEnded } from '../roles/xmpp-server/event-end.ts'
import type { IncomingEvent } from '../roles/xmpp-server/event-intake.ts'
import type { Secret } from '../secret.ts'

/** What the HTTP server asks of the daemon. All but promises, `publish` and `takeEvent` answer at once, and none throws. */
export interface HttpPorts {
  readonly version: string
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /**
   * The token for /v1 and /admin, except on a unix socket; undefined: there is none, and all requests are refused. Called
   * for each request, so that it may change.
   */
  readonly token: () => Secret | undefined
  /** Its names besides its own address and localhost; a new list when they change. */
  readonly hosts: () => readonly string[]

  /** What the process needs to work, each with how it is. */
  readonly health: () => readonly HealthCheck[]
  /** What is missing for pushes to get through, each in a few words; empty: nothing. */
  readonly notReady: () => readonly string[]

  /**
   * One publish, through the same checks and the same dispatcher as those that come in over XMPP, counted
   * like them too.
   */
  readonly publish: (input: PublishInput, sink: PublishSink) => void

  /** Why no event can be taken just now; undefined: one can. */
  readonly eventsHeldBack: () => 'no-room' | 'stopping' | undefined
  /** One message event, to its end. */
  readonly takeEvent: (event: IncomingEvent, ended: EventEnded) => void

  /** Push subscriptions: what is shown and changed of them. Users are bare JIDs. */
  readonly subscriptions: {
    of(user: string): unknown
    page(after: string | undefined, limit: number): unknown
    /** `node` undefined: all of that App Server. */
    disable(user: string, jid: string, node: string | undefined): Promise<unknown>
    removeUser(user: string): Promise<unknown>
    removeDomain(domain: string): Promise<unknown>
    /** A dry run only counts. */
    import(subscriptions: readonly ImportedSubscription[], isDryRun: boolean): Promise<unknown>
  }

  /** Streams to the XMPP servers: domain, state, since when, last error. */
  readonly streams: () => unknown
  /** Gateways, what is wrong with what vouches for us there, and workers. */
  readonly pools: () => unknown
  /** What waits, and how much may. */
  readonly queue: () => unknown
  /** The configuration that runs, without secrets. */
  readonly config: () => unknown
  /** A push node with its last outcomes; undefined: there is none of this name. */
  readonly node: (domain: string, node: string) => object | undefined
  /** Acknowledged notifications that were not delivered, newest first, `before` this id; without their content. */
  readonly deadLetters: (limit: number, before: string | undefined) => unknown
  /** Sends these once more: how many, and which there were not. Rejects with a StoreError. */
  readonly retryDeadLetters: (ids: readonly string[]) => Promise<unknown>
  /** Whether this process hands over to a successor, and how it went the last time. */
  readonly restartState: () => RestartState
  /** Asks for that; why it cannot be, or undefined: it is under way. */
  readonly restart: () => string | undefined
  /** Whether a device is remembered as dead, and at one node if a domain is given. */
  readonly deadDevice: (
    device: Device,
    domain: string | undefined,
    node: string | undefined,
  ) => { readonly dead: boolean }
}

export interface HealthCheck {
  /** `event-loop`, `worker`, `store`. */
  readonly component: string
  /** What of it: `delay`, `alive`, `writable`. */
  readonly measurement: string
  /** Which of several. */
  readonly componentId: string | undefined
  /** `warn`: it works, and somebody should look. */
  readonly status: 'pass' | 'warn' | 'fail'
  readonly value: number | boolean | undefined
  /** Unit of `value`. */
  readonly unit: string | undefined
  /** Why it does not pass. */
  readonly output: string | undefined
}
