/** Checks whether the provider pool of a publish can push to its device and app. Pure. */
import type { Device } from '../notification.ts'
import { isWithin } from '../push-text.ts'
import { choosePool, type ProviderPool } from './pools.ts'

/** A provider pool as publishes see it. */
export interface TargetPool extends ProviderPool {
  /** APNs: the topic of pushes that name none; '': there is no default. */
  readonly defaultTopic: string
  /** Whether the requests go to Apple's own hosts. */
  readonly isApple: boolean
}

/** Which targets the operator allows in publishes. */
export interface TargetRules {
  readonly pools: readonly TargetPool[]
  /** `known`: the pool's topic and the other topics of the same app; `any`: every topic. */
  readonly topics: 'known' | 'any'
}

/** In UTF-8. The tokens of all providers are much shorter. */
const maxDeviceIdBytes = 4096
/** APNs tokens have 64 digits today; Apple has announced that they may grow. */
const appleToken = /^[0-9a-f]{32,200}$/i
const hexadecimal = /^[0-9a-f]+$/i
const controlCharacter = /\p{Cc}/u

/**
 * What Apple appends to the bundle id for pushes of other types than alerts (developer.apple.com, "Sending notification
 * requests to APNs"): the same app.
 */
const topicSuffixes = [
  '.voip',
  '.complication',
  '.pushkit.fileprovider',
  '.location-query',
  '.voip-ptt',
  '.push-type.liveactivity',
  '.push-type.controls',
  '.push-type.widgets',
]

/**
 * Why these pools cannot push to the target of a publish: the option at fault, and what is wrong with it. Undefined: they
 * can, or no pool is for this target, which is a fault that is reported elsewhere.
 */
export function faultOfTarget(
  { pools, topics }: TargetRules,
  device: Device,
  topic: string | undefined,
  tags: readonly string[],
): string | undefined {
  const { service, id } = device
  if (!isWithin(id, maxDeviceIdBytes)) return `device_id: longer than ${maxDeviceIdBytes} bytes`
  if (controlCharacter.test(id)) return 'device_id: has control characters'
  if (service !== 'apns') return undefined
  const pool = choosePool(pools, device, tags)
  if (pool === undefined) return undefined
  if (pool.isApple && !appleToken.test(id)) {
    if (!hexadecimal.test(id)) return 'device_id: not hexadecimal, but APNs tokens are'
    return 'device_id: not 32 to 200 digits long, but APNs tokens are'
  }
  if (topics === 'any' || topic === undefined || pool.defaultTopic === '') return undefined
  return isOfApp(topic, pool.defaultTopic)
    ? undefined
    : 'topic: not the topic of an app that is configured here'
}

/** The app's own topic, or one of those that Apple derives from it. */
function isOfApp(topic: string, appTopic: string): boolean {
  if (topic === appTopic) return true
  return topic.startsWith(appTopic) && topicSuffixes.includes(topic.slice(appTopic.length))
}

/** Apple's own hosts, as opposed to a stand-in or a proxy. */
export function isAppleHost(host: string): boolean {
  return /^api\.(?:sandbox\.|development\.)?push\.apple\.com$/.test(host)
}

/** Characters that some apps put around or into device ids, and no token has: `<740f4707 bebcf74f …>`. */
const wrapping = /[<>\s]/

/** A device id as its provider gave it out. */
export function bareDeviceId(text: string): string {
  return wrapping.test(text) ? text.replaceAll(/[<>\s]+/g, '') : text
}
