import type { Logger } from 'pino'
import type { PublishStore } from '../../store/ports.ts'
import type { RemotePublish } from './remote-publish.ts'

export interface KeptPublishPorts {
  readonly publishes: PublishStore
  readonly log: Logger
  /** Milliseconds that never jump. */
  readonly monotonicMs: () => number
}

/** While the store is at fault every publish is: one line in this time says so. */
const faultLogIntervalMs = 10_000

/** Which publishes to App Servers elsewhere are on disk. A record outlives its removal while the disk refuses that. */
export class KeptPublishes {
  readonly #ports: KeptPublishPorts
  readonly #unremoved = new Set<string>()
  #faultLoggedMs = Number.NEGATIVE_INFINITY

  constructor(ports: KeptPublishPorts) {
    this.#ports = ports
  }

  /** Stores it, unless it is stored: it is safe then. */
  keep(publish: RemotePublish): void {
    if (publish.storedId !== '') return
    const { subscription, summary, domain, createdAtMs } = publish
    const { user, jid, node } = subscription
    const { id, durable } = this.#ports.publishes.add({ user, jid, node, domain, summary, createdAtMs })
    publish.storedId = id
    durable.then(
      () => publish.safety.resolve('safe'),
      (err: unknown) => {
        this.#complain(err)
        publish.storedId = ''
        publish.safety.resolve('undelivered')
      },
    )
  }

  /** It has ended: its record goes. */
  forget(id: string): void {
    this.#unremoved.delete(id)
    this.#ports.publishes.remove(id).catch((err: unknown) => {
      this.#complain(err)
      this.#unremoved.add(id)
    })
  }

  /** Tries again what the disk has refused; whether there is any of it. */
  retryRemovals(): boolean {
    const left = [...this.#unremoved]
    for (const id of left) this.forget(id)
    return left.length > 0
  }

  #complain(err: unknown): void {
    const nowMs = this.#ports.monotonicMs()
    if (nowMs - this.#faultLoggedMs < faultLogIntervalMs) return
    this.#faultLoggedMs = nowMs
    this.#ports.log.error({ err }, 'publishes to App Servers elsewhere could not be stored')
  }
}
