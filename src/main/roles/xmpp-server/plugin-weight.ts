import type { Element } from '../../../core/xml/element.ts'
import type { Subscription } from '../../store/ports.ts'
import type { MessageEvent } from './plugin.ts'

/** The fewest bytes that an object takes, or a text besides its characters. */
const valueBytes = 64

/** A lower estimate of the bytes that an event and its subscriptions take in the memory of the plugin's thread. */
export function weightOf(event: MessageEvent, subscriptions: readonly Subscription[]): number {
  let bytes = valueBytes + textBytes(event.from) + textBytes(event.body ?? '') + textBytes(event.id)
  if (event.stanza !== undefined) bytes += elementBytes(event.stanza)
  for (const { node, options } of subscriptions) {
    bytes += valueBytes + textBytes(node)
    for (const [name, value] of options) bytes += valueBytes + textBytes(name) + textBytes(value)
  }
  return bytes
}

function textBytes(text: string): number {
  return valueBytes + 2 * text.length
}

function elementBytes({ attributes, children }: Element): number {
  let bytes = 2 * valueBytes
  for (const text of attributes) bytes += textBytes(text)
  for (const child of children) bytes += typeof child === 'string' ? textBytes(child) : elementBytes(child)
  return bytes
}
