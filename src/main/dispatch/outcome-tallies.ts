import { type Metrics, type NotificationOutcome, notificationOutcomes } from '../metrics/table.ts'
import type { Tally } from '../metrics/tally.ts'
import { services } from './route.ts'

/** `notifications_total`'s children, fetched once: by service, then by outcome. */
export class OutcomeTallies {
  readonly #byService: ReadonlyMap<string, ReadonlyMap<NotificationOutcome, Tally>>

  constructor(metrics: Metrics) {
    this.#byService = new Map(
      services.map((service) => [
        service,
        new Map(
          notificationOutcomes.map((outcome) => [outcome, metrics.notifications.child(service, outcome)]),
        ),
      ]),
    )
  }

  count(service: string, outcome: NotificationOutcome): void {
    this.#byService.get(service)?.get(outcome)?.add(1)
  }
}
