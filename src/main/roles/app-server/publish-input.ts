import { bareDeviceId } from '../../../core/gateway/publish-target.ts'
import { fitText, fitValues, isWithin, maxFields, maxNameBytes } from '../../../core/push-text.ts'

/** A publish as it was asked for, before any check and whichever way it came in. */
export class PublishInput {
  /** The domain of ours that it is addressed to. */
  readonly domain: string
  /** Who publishes; undefined: somebody trusted, whom no affiliation is asked of. */
  readonly from: string | undefined
  /** The push node; '' when none is named. */
  node = ''
  /** Why it is not well-formed. */
  malformed: string | undefined = undefined
  /** Whether the payload is `<notification xmlns='urn:xmpp:push:0'>`, one or more. */
  isNotification = false
  /** It asked for pool tags, which only the configuration gives. */
  asksForTags = false
  /** The publish is of a message event of this daemon: its sender already has the form in which it is shown. */
  isOfEvent = false
  /** When the subscription behind it was enabled, in milliseconds since the epoch; undefined: not known here. */
  enabledAtMs: number | undefined = undefined
  readonly options = new PublishOptions()
  readonly summary = new Summary()

  constructor(domain: string, from: string | undefined) {
    this.domain = domain
    this.from = from
  }

  /** Takes one publish-option; an unknown one is ignored. False: this one was there already. */
  setOption(name: string, value: string): boolean {
    if (name !== 'tags') return this.options.set(name, value)
    this.asksForTags = true
    return true
  }
}

/** The known publish-options, without white space around them; undefined: absent or empty. */
export class PublishOptions {
  service: string | undefined = undefined
  deviceId: string | undefined = undefined
  /** `device`: the older name of `device_id`. */
  device: string | undefined = undefined
  mode: string | undefined = undefined
  clickAction: string | undefined = undefined
  topic: string | undefined = undefined
  silent: string | undefined = undefined
  priority: string | undefined = undefined
  sound: string | undefined = undefined
  mutableContent: string | undefined = undefined
  timeToLive: string | undefined = undefined
  secret: string | undefined = undefined

  /** False: the option is set already. */
  set(name: string, written: string): boolean {
    const slot = slotOf(name)
    const text = slot === undefined ? '' : isDeviceName(name) ? bareDeviceId(written) : written.trim()
    if (slot === undefined || text === '') return true
    if (this[slot] !== undefined) return false
    this[slot] = text
    return true
  }

  /** Takes from `other`, a registration's options, what is not said here. */
  fillFrom(other: Readonly<Record<string, string>>): void {
    const namesDevice = this.deviceId !== undefined || this.device !== undefined
    for (const [name, text] of Object.entries(other)) {
      if (namesDevice && isDeviceName(name)) continue
      this.set(name, text)
    }
  }
}

/** Whether a publish-option means something here; others are ignored whatever they hold. */
export function isKnownOption(name: string): boolean {
  return slotOf(name) !== undefined
}

type OptionSlot = {
  [K in keyof PublishOptions]: PublishOptions[K] extends string | undefined ? K : never
}[keyof PublishOptions]

function slotOf(name: string): OptionSlot | undefined {
  switch (name) {
    case 'service':
    case 'device':
    case 'mode':
    case 'topic':
    case 'silent':
    case 'priority':
    case 'sound':
    case 'secret':
      return name
    case 'device_id':
      return 'deviceId'
    case 'click_action':
      return 'clickAction'
    case 'mutable_content':
      return 'mutableContent'
    case 'time_to_live':
      return 'timeToLive'
    default:
      return undefined
  }
}

/** Whether a publish-option names the device. */
export function isDeviceName(name: string): boolean {
  return name === 'device_id' || name === 'device'
}

/**
 * The fields of the summary forms that hold something, in their order; a later one replaces an earlier. There are
 * `maxFields` at most, with names of `maxNameBytes` at most: others are ignored.
 */
export class Summary {
  /** Flat: name, value, name, value … As received: `text` and `texts` give the values to push. */
  readonly fields: string[] = []
  /** A field was ignored, because its name is too long or there are too many fields. */
  hasIgnored = false
  /** A text that was read was cut. */
  hasCut = false

  /** False: there is room for no other field. */
  set(name: string, value: string): boolean {
    const { fields } = this
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] === name) {
        fields[i + 1] = value
        return true
      }
    }
    const hasRoom = fields.length < maxFields * 2
    if (hasRoom && isWithin(name, maxNameBytes)) fields.push(name, value)
    else this.hasIgnored = true
    return hasRoom
  }

  get(name: string): string | undefined {
    const { fields } = this
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1]
    return undefined
  }

  /** A field's value as it may be pushed: within `maxTextBytes`. */
  text(name: string): string | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    const fitting = fitText(value)
    if (fitting !== value) this.hasCut = true
    return fitting
  }

  /** All values as they may be pushed together, in the order of `fields`. */
  texts(): readonly string[] {
    const values: string[] = []
    for (let i = 1; i < this.fields.length; i += 2) values.push(this.fields[i] ?? '')
    const fitting = fitValues(values)
    if (fitting !== values) this.hasCut = true
    return fitting
  }

  /** It carries a Jingle message (XEP-0353): `jingle-message` …, `jmi-sid` … Each of a call's is to arrive. */
  get tellsOfCall(): boolean {
    const { fields } = this
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] ?? ''
      if (name.startsWith('jingle') || name.startsWith('jmi-')) return true
    }
    return false
  }
}
