import type { BuiltRequest } from '../../core/gateway/ports.ts'
import type { Metrics } from '../metrics/table.ts'
import type { Outbound } from './outbound.ts'
import type { ServiceQueue } from './service-queue.ts'

/** Sets up the metrics of workers, gateways and provider pools, which are read when they are shown. */
export function showOutbound(
  { workers, exits }: Pick<Outbound, 'workers' | 'exits'>,
  urls: readonly string[],
  { metrics, monotonicMs }: { readonly metrics: Metrics; readonly monotonicMs: () => number },
): void {
  for (const [origin, url] of urls.entries()) {
    metrics.gatewayConnections.read(() => workers.openConnections(origin), new URL(url).host)
  }
  for (const { origin, pool, route } of exits?.all ?? []) {
    metrics.gatewayConnections.read(() => workers.openConnections(origin), pool.label)
    metrics.gatewayPaused.read(() => (route.pausedUntilMs > monotonicMs() ? 1 : 0), pool.label)
    metrics.gatewayPausedDevices.read(() => route.pausedDevices.count(monotonicMs()), pool.label)
  }
}

/** Counts what a request to a provider leaves out of its notification. */
export function countLosses(
  { shortened, droppedFields }: Extract<BuiltRequest, { kind: 'request' }>,
  service: ServiceQueue['service'],
  metrics: Metrics,
): void {
  if (shortened) metrics.notificationsShortened.child(service).add(1)
  if (droppedFields > 0) metrics.dataFieldsDropped.child(service).add(droppedFields)
}
