import { type Device, modeOf } from '../notification.ts'

/** What decides whether a notification goes to a pool of connections to a provider. */
export interface ProviderPool {
  readonly service: 'apns' | 'fcm'
  /** '': every mode. */
  readonly mode: '' | 'prod' | 'dev'
  readonly tags: readonly string[]
}

/**
 * The pool that a notification goes to: the first, in the configuration's order, of its service and mode whose tags
 * include all of its own. Undefined: `noMatchingPool`.
 */
export function choosePool<Pool extends ProviderPool>(
  pools: readonly Pool[],
  device: Device,
  tags: readonly string[],
): Pool | undefined {
  const mode = modeOf(device)
  return pools.find(
    (pool) =>
      pool.service === device.service &&
      (pool.mode === '' || pool.mode === mode) &&
      tags.every((tag) => pool.tags.includes(tag)),
  )
}

/** What becomes of a notification that no pool is for. */
export const noMatchingPool = { kind: 'operator_fault', reason: 'no_matching_pool' } as const
