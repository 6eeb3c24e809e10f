import type { Logger } from 'pino'
import { componentDomains } from './component-domains.ts'
import type { Config } from './config/config.ts'
import { poolLabels } from './dispatch/route.ts'
import { Metrics } from './metrics/table.ts'
import { appServerOptions, dispatchOptions } from './part-options.ts'
import type { StartPhases } from './start-phases.ts'
import { version } from './version.ts'
import type { ComponentDomain } from './xmpp/component-domain.ts'

/** What a daemon has before its store is open. */
export interface FirstParts {
  readonly config: Config
  readonly log: Logger
  readonly phases: StartPhases
  readonly metrics: Metrics
  /** Not started when they are made. */
  readonly domains: ReadonlyMap<string, ComponentDomain>
}

export function firstParts(config: Config, log: Logger, phases: StartPhases): FirstParts {
  const metrics = metricsOf(config, phases)
  return { config, log, phases, metrics, domains: componentDomains(config, metrics, log) }
}

function metricsOf(config: Config, phases: StartPhases): Metrics {
  const { urls, pools } = dispatchOptions(config, () => config)
  const metrics = new Metrics(
    version,
    appServerOptions(config, version).domains.map(({ domain }) => domain),
    [...poolLabels(urls), ...pools.map(({ label }) => label)],
    config.push.wpool.workers,
    config.component.map(({ domain }) => domain),
  )
  phases.showIn(metrics.startSeconds)
  return metrics
}
