import type { HealthCheck } from './ports.ts'

/** The media type of draft-inadarei-api-health-check. */
export const healthType = 'application/health+json'

export interface HealthReport {
  /** 503 as soon as anything fails. */
  readonly status: 200 | 503
  readonly body: object
}

/** The checks in the shape of draft-inadarei-api-health-check-06: the worst one is the status of all. */
export function healthReport(checks: readonly HealthCheck[], version: string, nowMs: number): HealthReport {
  const time = new Date(nowMs).toISOString()
  const byName: Record<string, object[]> = {}
  for (const { component, measurement, componentId, status, value, unit, output } of checks) {
    const name = `${component}:${measurement}`
    byName[name] ??= []
    byName[name].push({
      ...(componentId === undefined ? {} : { componentId }),
      status,
      ...(value === undefined ? {} : { observedValue: value }),
      ...(unit === undefined ? {} : { observedUnit: unit }),
      time,
      ...(output === undefined ? {} : { output }),
    })
  }
  const status = worst(checks)
  return {
    status: status === 'fail' ? 503 : 200,
    body: { status, version, serviceId: 'xmpp-pushd', checks: byName },
  }
}

function worst(checks: readonly HealthCheck[]): HealthCheck['status'] {
  if (checks.some((check) => check.status === 'fail')) return 'fail'
  return checks.some((check) => check.status === 'warn') ? 'warn' : 'pass'
}
