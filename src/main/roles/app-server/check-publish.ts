import { timingSafeEqual } from 'node:crypto'
import { faultOfTarget } from '../../../core/gateway/publish-target.ts'
import type { Notification } from '../../../core/notification.ts'
import { isWithin } from '../../../core/push-text.ts'
import { type StanzaError, stanzaErrors, withText } from '../../../core/stanza-error.ts'
import type { DeadDeviceStore } from '../../store/dead-device-ports.ts'
import type { NodeRecord, NodeStore } from '../../store/node-ports.ts'
import { mayPublish } from './affiliations.ts'
import { readContent, shortenSender } from './content.ts'
import type { Domain } from './domain.ts'
import { faultOfOptions, parseBoolean, parseInteger } from './option-values.ts'
import type { AppServerOptions } from './options.ts'
import type { PublishInput, PublishOptions } from './publish-input.ts'
import { failedCheck, type PublishResult } from './publish-result.ts'
import type { PublishVerdict } from './verdict.ts'

export interface CheckPorts {
  readonly nodes: NodeStore
  readonly deadDevices: DeadDeviceStore
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
}

/** Of a node that is only a name, on a virtual host: as long as an enable may make it. */
const maxNodeBytes = 1023

/**
 * The checks of a publish, in order, up to the last but one (whether there is room is for the dispatcher to
 * say): the first that fails is the verdict. Allocates the notification and little else.
 */
export function checkPublish(
  input: PublishInput,
  domain: Domain,
  { content: rules, targets }: Pick<AppServerOptions, 'content' | 'targets'>,
  ports: CheckPorts,
): PublishVerdict {
  // 1: well-formed.
  if (input.malformed !== undefined) {
    return refused(failedCheck.wellFormed, withText(stanzaErrors.badRequest, input.malformed))
  }

  if (input.asksForTags) domain.tagsIgnored.add(1)
  if (input.summary.hasIgnored) domain.fieldsIgnored.add(1)

  // 2 and 3: the node, and who publishes.
  let owner = ''
  let record: NodeRecord | undefined
  if (!domain.virtual) {
    record = domain.pubsub && input.node !== '' ? ports.nodes.get(domain.name, input.node) : undefined
    if (record === undefined) return refused(failedCheck.nodeExists, stanzaErrors.itemNotFound)
    const { from } = input
    if (from !== undefined && !(domain.admits(from) && mayPublish(record, from))) return forbidden
    owner = record.owner
    if (record.registration !== undefined && !useRegistration(record, input.options)) return forbidden
  } else if (input.from !== undefined && !domain.admits(input.from)) {
    return forbidden
  }

  // 4: the device. (A registered node's secret belongs here, and was seen to above.)
  const { options } = input
  const service = options.service
  const id = options.deviceId ?? options.device
  if (service === undefined || id === undefined) return noDevice
  const device = { service, mode: options.mode, id }
  const targetFault = targets && faultOfTarget(targets, device, options.topic, domain.tags)
  if (targetFault !== undefined) {
    return refused(failedCheck.namesTarget, withText(stanzaErrors.badRequest, targetFault))
  }

  // 5 and 6: the payload, and what becomes of it.
  if (!input.isNotification) return refused(failedCheck.isNotification, stanzaErrors.invalidPayload)
  if (!isWithin(input.node, maxNodeBytes)) return unusable(`node: longer than ${maxNodeBytes} bytes`)
  const optionFault = faultOfOptions(options, id)
  if (optionFault !== undefined) return unusable(optionFault)
  if (rules.sender === 'bare' && !input.isOfEvent) shortenSender(input.summary)
  const content = readContent(input.summary, options, rules)
  if (input.summary.hasCut) domain.textsCut.add(1)
  if (content.kind === 'fault') return unusable(content.text)

  // 7: the device lives.
  if (ports.deadDevices.isDead(device, domain.name, input.node)) return deadDevice

  const nowMs = ports.nowMs()
  if (record !== undefined && nowMs - record.usedAtMs > ports.nodes.leastUseAgeMs) {
    ports.nodes.used(domain.name, input.node, record, nowMs)
  }
  if (content.kind === 'nothing') return done
  const { priority, mutableContent, timeToLive } = options
  const notification: Notification = {
    domain: domain.name,
    node: input.node,
    device,
    topic: options.topic,
    // Their values are known to be right by now.
    priority: priority === undefined ? undefined : priority === 'high' ? 'high' : 'normal',
    mutableContent: mutableContent === undefined ? undefined : parseBoolean(mutableContent) === true,
    timeToLiveS: timeToLive === undefined ? undefined : parseInteger(timeToLive),
    tags: domain.tags,
    content,
    collapsible: !input.summary.tellsOfCall,
    enabledAtMs: input.enabledAtMs,
    createdAtMs: nowMs,
  }
  return { kind: 'push', notification, sender: accountOf(input.from) || owner || id }
}

/** The bare JID of a user; '' for a server, or a trusted caller. */
function accountOf(from: string | undefined): string {
  if (from === undefined) return ''
  const slash = from.indexOf('/')
  const bare = slash < 0 ? from : from.slice(0, slash)
  return bare.includes('@') ? bare : ''
}

const forbidden = refused(failedCheck.mayPublish, stanzaErrors.forbidden)
const noDevice = refused(failedCheck.namesDevice, stanzaErrors.preconditionNotMet)
const deadDevice = refused(failedCheck.deviceLives, stanzaErrors.deviceNotRegistered)
const done: PublishVerdict = { kind: 'done' }

function refused(check: PublishResult, error: StanzaError): PublishVerdict {
  return { kind: 'refused', check, error }
}

function unusable(why: string): PublishVerdict {
  return refused(failedCheck.hasContent, withText(stanzaErrors.invalidPayload, why))
}

/** Completes the options from the node's registration; false when the publish does not know its secret. */
function useRegistration(record: NodeRecord, options: PublishOptions): boolean {
  const { registration } = record
  if (registration === undefined) return true
  const shown = Buffer.from(options.secret ?? '')
  const wanted = Buffer.from(registration.secret)
  if (shown.length !== wanted.length || !timingSafeEqual(shown, wanted)) return false
  options.fillFrom(registration.options)
  return true
}
