import type { Logger } from 'pino'

/** Publishes of an earlier run whose domain is no longer in the configuration: a line of log for each such domain. */
export class StrandedPublishes {
  readonly #byDomain = new Map<string, Map<string | undefined, number>>()

  /** `sender`: the domain that sends it instead; undefined: there is none. */
  count(domain: string, sender: string | undefined): void {
    const bySender = this.#byDomain.get(domain) ?? new Map<string | undefined, number>()
    this.#byDomain.set(domain, bySender)
    bySender.set(sender, (bySender.get(sender) ?? 0) + 1)
  }

  tell(log: Logger): void {
    for (const [domain, bySender] of this.#byDomain) {
      for (const [sender, count] of bySender) {
        if (sender === undefined) {
          log.error(
            { domain, count },
            'stored publishes have ended: their domain is gone, and there is no other',
          )
        } else
          log.warn({ domain, sender, count }, 'stored publishes of a domain that is gone go out from another')
      }
    }
  }
}
