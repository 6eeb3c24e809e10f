import type { JsonValue } from './json.ts'

/**
 * A push on its way: what a publish, an event or a request over HTTP asks a device to be shown or told, checked and
 * complete. It knows nothing of how it came or how it goes out.
 */
export interface Notification {
  /** The domain of ours that it came in on: names its metrics, its tags, its store keys. */
  readonly domain: string
  /** The push node; '' when a virtual host's publish named none. */
  readonly node: string
  readonly device: Device
  /** The app (APNs topic), if given. */
  readonly topic: string | undefined
  readonly priority: 'normal' | 'high' | undefined
  readonly mutableContent: boolean | undefined
  /** How long it is worth delivering, in seconds from `createdAtMs`; 0: now or never. */
  readonly timeToLiveS: number | undefined
  /** Pool tags: from the operator's configuration of the domain, never from a client. */
  readonly tags: readonly string[]
  readonly content: Alert | Silent
  /** Whether a newer push to the same node and device may take its place while it is stored: not when it is a call. */
  readonly collapsible: boolean
  /** When the subscription that it is for was enabled, in milliseconds since the epoch; undefined: not known here. */
  readonly enabledAtMs: number | undefined
  /** Milliseconds since the epoch; no two to one node and device have the same. */
  readonly createdAtMs: number
}

/** Which device, at which provider. The three together are what a dead-device mark is about. */
export interface Device {
  /** `apns`, `fcm`, or whatever else the gateway knows. */
  readonly service: string
  /** `prod`, `dev`; undefined when the publish did not say (the gateway's default is prod). */
  readonly mode: string | undefined
  readonly id: string
}

export interface Alert {
  readonly kind: 'alert'
  readonly title: string
  readonly body: string
  readonly badge: number | undefined
  readonly tag: string | undefined
  readonly clickAction: string | undefined
  readonly sound: string | undefined
  /** For the app, beside what is shown; undefined: none were given, which is not the same as an empty list. */
  readonly data: readonly DataField[] | undefined
}

/** No alert: fields for the app alone, in their order. */
export interface Silent {
  readonly kind: 'silent'
  readonly data: readonly DataField[]
}

/** From XMPP, values are texts and counts; over HTTP they may be anything. */
export type DataField = readonly [name: string, value: JsonValue]

/** The mode that a device without one is at (MongoosePush's default). */
export function modeOf(device: Device): string {
  return device.mode ?? 'prod'
}
