import type { ServedAnswer } from '../../core/gateway/served-answer.ts'
import type { PoolState } from './pool-state.ts'

/**
 * `GET /healthcheck` as MongoosePush answers it (draft-inadarei-api-health-check): 503 when no pool can work. It keeps
 * its connections open whether or not they are used; here a pool without any works too, and is `pass`.
 */
export function healthAnswer(pools: readonly PoolState[], version: string, nowMs: number): ServedAnswer {
  const time = new Date(nowMs).toISOString()
  const checks = Object.fromEntries(
    pools.map((pool) => [`pool:${pool.label}`, [{ output: output(pool), status: status(pool), time }]]),
  )
  const failed = pools.filter(({ fault }) => fault !== undefined).length
  const body = {
    checks,
    description: 'Health of the connections to FCM and APNs',
    status: failed === pools.length ? 'fail' : failed > 0 ? 'warn' : 'pass',
    version,
  }
  return {
    status: body.status === 'fail' ? 503 : 200,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  }
}

function output({ connected, connections, fault }: PoolState): object {
  if (fault === undefined) return { connected, disconnected: 0 }
  return { connected, disconnected: Math.max(1, connections - connected), fault }
}

function status({ fault }: PoolState): 'pass' | 'fail' {
  return fault === undefined ? 'pass' : 'fail'
}
