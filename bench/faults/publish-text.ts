/**
 * The publishes of a run: each carries its sequence number in the IQ's id and in the message's text, and its device in
 * the device id and in the text, so that all ends of the way can be held against each other.
 */
import { publishIq } from '../../src/sandbox/stanzas.ts'
import { deviceId as loadDeviceId } from '../load/stanza-template.ts'

export interface PublishPlan {
  readonly sequence: number
  /** `d` and the sequence number for a device of its own, or one that it shares with others. */
  readonly deviceId: string
  readonly service: 'apns' | 'fcm'
  /** Seconds; undefined: the daemon's default. */
  readonly timeToLiveS: number | undefined
  /** It tells of a call (XEP-0353), which no other publish may stand for. */
  readonly isCall: boolean
  /** Filler in the text. */
  readonly padding: string
}

export const idPrefix = 'p-'

export function publishText(domain: string, serverDomain: string, plan: PublishPlan): string {
  const { sequence, deviceId, service, timeToLiveS, isCall, padding } = plan
  return publishIq({
    id: idPrefix + sequence,
    from: serverDomain,
    to: domain,
    node: `node-${deviceId}`,
    options: {
      service,
      device_id: deviceId,
      ...(timeToLiveS === undefined ? {} : { time_to_live: String(timeToLiveS) }),
    },
    summary: {
      'message-count': '1',
      'last-message-sender': `juliet@${serverDomain}`,
      'last-message-body': messageText(sequence, deviceId) + padding,
      ...(isCall ? { 'jingle-message': 'propose', 'jingle-session-id': `s${sequence}` } : {}),
    },
  })
}

export function messageText(sequence: number, deviceId: string): string {
  return `number ${sequence} for ${deviceId};`
}

/** Of a publish to a device of its own. */
export function sequenceOfDevice(deviceId: string): number | undefined {
  const [, sequence] = /^d(\d+)$/.exec(deviceId) ?? []
  return sequence === undefined ? undefined : Number(sequence)
}

/** Of a flood, which is in no ledger. */
export function isOfFlood(deviceId: string): boolean {
  return deviceId.startsWith(loadDeviceId(''))
}

/** From what the gateway was sent. */
export function sequenceIn(body: string): number | undefined {
  const [, sequence] = /number (\d+) for /.exec(body) ?? []
  return sequence === undefined ? undefined : Number(sequence)
}

export function deviceIdOf(body: string): string | undefined {
  return /number \d+ for ([^;]+);/.exec(body)?.[1]
}
