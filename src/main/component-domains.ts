import { performance } from 'node:perf_hooks'
import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import { xmppServers } from './config/hosts.ts'
import type { Metrics } from './metrics/table.ts'
import { componentOptions } from './part-options.ts'
import { ComponentDomain } from './xmpp/component-domain.ts'
import { LossReport } from './xmpp/loss-report.ts'

/** The components of the configuration, by domain; none is started, and what they bring waits until `handleBy`. */
export function componentDomains(
  config: Config,
  metrics: Metrics,
  log: Logger,
): ReadonlyMap<string, ComponentDomain> {
  const losses = new LossReport(metrics, log, () => performance.now())
  const servers = xmppServers(config)
  return new Map(
    config.component.map((component) => [
      component.domain,
      new ComponentDomain(componentOptions(component, config), {
        scope: servers.scopeOf(component.domain),
        log,
        metrics,
        losses,
        random: Math.random,
      }),
    ]),
  )
}
