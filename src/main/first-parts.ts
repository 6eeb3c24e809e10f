import type { Logger } from 'pino'
import { componentDomains } from './component-domains.ts'
import type { Config } from './config/config.ts'
import { poolLabels } from './dispatch/route.ts'
import { Metrics } from './metrics/table.ts'
import { appServerOptions, dispatchOptions } from './part-options.ts'
import type { StartPhases } from './start-phases.ts'
import { type DataDirectory, takeDataDirectory } from './store/data-directory.ts'
import { version } from './version.ts'
import type { ComponentDomain } from './xmpp/component-domain.ts'

/** What a daemon has before its store is open. */
export interface FirstParts {
  readonly config: Config
  readonly log: Logger
  readonly phases: StartPhases
  readonly metrics: Metrics
  /** Not started. */
  readonly domains: ReadonlyMap<string, ComponentDomain>
  readonly directory: DataDirectory
}

/** Makes them, and takes the data directory: two daemons of one directory must not take each other's streams. @throws StoreError */
export async function firstParts(config: Config, log: Logger, phases: StartPhases): Promise<FirstParts> {
  const metrics = metricsOf(config, phases)
  const domains = componentDomains(config, metrics, log)
  const directory = await takeDataDirectory(config.data_dir)
  return { config, log, phases, metrics, domains, directory }
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
