import type { DataForm } from '../../../core/data-form.ts'
import { escapeXml } from '../../../core/xml/escape.ts'
import { nodeConfigNs } from './namespaces.ts'

/** A push node's configuration (XEP-0060 §8.2): its fields, their defaults, and the forms about them. Pure. */

/** By var without `pubsub#`. */
export type NodeConfiguration = Readonly<Record<string, string>>

interface ConfigField {
  readonly type: 'boolean' | 'list-single' | 'text-single'
  readonly label: string
  readonly default: string
  /** Allowed values of a list. */
  readonly values: readonly string[]
}

const fields: Readonly<Record<string, ConfigField>> = {
  access_model: list('Who may subscribe', 'whitelist', [
    'whitelist',
    'authorize',
    'open',
    'presence',
    'roster',
  ]),
  publish_model: list('Who may publish', 'open', ['open', 'publishers', 'subscribers']),
  persist_items: boolean('Keep items', 'false'),
  max_items: { type: 'text-single', label: 'How many items to keep', default: '1', values: [] },
  deliver_payloads: boolean('Deliver payloads', 'true'),
  deliver_notifications: boolean('Deliver notifications', 'true'),
  notification_type: list('Type of notification messages', 'headline', ['headline', 'normal', 'chat']),
  send_last_published_item: list('When to send the last item', 'on_sub_and_presence', [
    'never',
    'on_sub',
    'on_sub_and_presence',
  ]),
  purge_offline: boolean('Purge items when the publisher goes offline', 'false'),
  notify_config: boolean('Notify of changes to the configuration', 'false'),
  notify_delete: boolean('Notify of the deletion of the node', 'false'),
  notify_retract: boolean('Notify of retracted items', 'false'),
}

export const defaultConfiguration: NodeConfiguration = Object.fromEntries(
  Object.entries(fields).map(([name, field]) => [name, field.default]),
)

/** Why a form is refused. `malformed`: it is no node_config form; else the text names the field at fault. */
export interface ConfigFault {
  readonly malformed: boolean
  readonly text: string
}

/** The configuration with the submitted fields in place; a field left out, or without value, stays. */
export function applyForm(
  form: DataForm,
  configuration: NodeConfiguration,
): { configuration: NodeConfiguration } | { fault: ConfigFault } {
  if ((form.type ?? 'submit') !== 'submit' || form.formType !== nodeConfigNs) {
    return { fault: { malformed: true, text: `the form is not a submit of ${nodeConfigNs}` } }
  }
  const changed = { ...configuration }
  for (const [name, values] of form.fields) {
    const key = name.startsWith('pubsub#') ? name.slice('pubsub#'.length) : ''
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (field === undefined) return { fault: { malformed: false, text: `${shown(name)}: unknown` } }
    const text = values[0]
    if (text === undefined) continue
    const value = values.length === 1 ? acceptedValue(field, text) : undefined
    if (value === undefined)
      return { fault: { malformed: false, text: `${shown(name)}: not an accepted value` } }
    changed[key] = value
  }
  return { configuration: changed }
}

/** The form that shows a configuration; `type` as XEP-0060 §8.2.1 wants it. */
export function renderForm(configuration: NodeConfiguration): string {
  let xml =
    `<x xmlns='jabber:x:data' type='form'>` +
    `<field var='FORM_TYPE' type='hidden'><value>${nodeConfigNs}</value></field>`
  for (const [name, field] of Object.entries(fields)) {
    xml += `<field var='pubsub#${name}' type='${field.type}' label='${field.label}'>`
    xml += `<value>${escapeXml(configuration[name] ?? field.default)}</value>`
    for (const value of field.values) xml += `<option><value>${value}</value></option>`
    xml += '</field>'
  }
  return `${xml}</x>`
}

/** The value in the form in which it is stored; undefined when it is not accepted. */
function acceptedValue(field: ConfigField, text: string): string | undefined {
  switch (field.type) {
    case 'boolean':
      if (text === 'true' || text === '1') return 'true'
      return text === 'false' || text === '0' ? 'false' : undefined
    case 'list-single':
      return field.values.includes(text) ? text : undefined
    case 'text-single':
      // `max_items`: a number, or the most that the service has (XEP-0060 §16.4.4).
      return text === 'max' || /^[0-9]{1,9}$/.test(text) ? text : undefined
  }
}

/** A name that a stranger chose, as shown in an error text. */
function shown(name: string): string {
  return name.slice(0, 64)
}

function list(label: string, defaultValue: string, values: readonly string[]): ConfigField {
  return { type: 'list-single', label, default: defaultValue, values }
}

function boolean(label: string, defaultValue: 'true' | 'false'): ConfigField {
  return { type: 'boolean', label, default: defaultValue, values: [] }
}
