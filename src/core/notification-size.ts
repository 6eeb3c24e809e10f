import type { JsonValue } from './json.ts'
import type { DataField, Notification } from './notification.ts'

/** The sum of `measure` over all texts of a notification. Pure. */
export function sizeOfTexts(notification: Notification, measure: (text: string) => number): number {
  const { domain, node, device, topic, tags, content } = notification
  let size = measure(domain) + measure(node) + measure(device.service) + measure(device.id)
  if (topic !== undefined) size += measure(topic)
  for (const tag of tags) size += measure(tag)
  if (content.kind === 'silent') return size + sizeOfData(content.data, measure)
  size += measure(content.title) + measure(content.body)
  if (content.tag !== undefined) size += measure(content.tag)
  if (content.clickAction !== undefined) size += measure(content.clickAction)
  if (content.sound !== undefined) size += measure(content.sound)
  return content.data === undefined ? size : size + sizeOfData(content.data, measure)
}

function sizeOfData(data: readonly DataField[], measure: (text: string) => number): number {
  let size = 0
  for (const [name, value] of data) size += measure(name) + measure(textOf(value))
  return size
}

/** Values are nearly always texts over XMPP. */
function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
