import { isWithin } from '../../../core/push-text.ts'
import type { PublishOptions } from './publish-input.ts'

/** Values of publish-options and summary fields, as what they stand for. Pure. */

/** The gateway's badge and times are 32-bit integers. */
const maxInteger = 2_147_483_647
/** No provider's device ids come near; a longer one would only burden the gateway's URLs. */
const maxDeviceIdLength = 4096
/** Bytes of UTF-8 of any other option's value: several times what apps need. A cut value would mean something else. */
const maxValueBytes = 2048

export const notAnInteger = -1
export const notABoolean = 'neither'

/** Decimal digits only, else `notAnInteger`. More than 2³¹ − 1 is that: very many, very long. */
export function parseInteger(text: string): number {
  if (text === '') return notAnInteger
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return notAnInteger
    value = Math.min(value * 10 + digit, maxInteger)
  }
  return value
}

/** XEP-0004 §3.3: `true` and `1`, `false` and `0`. */
export function parseBoolean(text: string | undefined): boolean | undefined | typeof notABoolean {
  if (text === undefined) return undefined
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  return notABoolean
}

/**
 * What is wrong with an option's value: the gateway would refuse it, and every later publish with it. Names
 * the option, never the value.
 */
export function faultOfOptions(options: PublishOptions, deviceId: string): string | undefined {
  const { mode, priority, timeToLive } = options
  if (deviceId.length > maxDeviceIdLength) return `device_id: longer than ${maxDeviceIdLength} characters`
  const tooLong = optionTooLong(options)
  if (tooLong !== undefined) return `${tooLong}: longer than ${maxValueBytes} bytes`
  if (mode !== undefined && mode !== 'prod' && mode !== 'dev') return 'mode: neither prod nor dev'
  if (priority !== undefined && priority !== 'normal' && priority !== 'high') {
    return 'priority: neither normal nor high'
  }
  if (parseBoolean(options.silent) === notABoolean) return 'silent: neither true nor false'
  if (parseBoolean(options.mutableContent) === notABoolean) return 'mutable_content: neither true nor false'
  if (timeToLive !== undefined && parseInteger(timeToLive) === notAnInteger) {
    return 'time_to_live: not a number of seconds'
  }
  return undefined
}

/** An option whose value is too long, among those whose values are pushed unchanged. */
function optionTooLong({ service, topic, clickAction, sound }: PublishOptions): string | undefined {
  if (isTooLong(service)) return 'service'
  if (isTooLong(topic)) return 'topic'
  if (isTooLong(clickAction)) return 'click_action'
  return isTooLong(sound) ? 'sound' : undefined
}

function isTooLong(value: string | undefined): boolean {
  return value !== undefined && !isWithin(value, maxValueBytes)
}
