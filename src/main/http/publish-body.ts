import { isDeviceName, PublishInput } from '../roles/app-server/publish-input.ts'
import { HttpFault } from './fault.ts'

const knownFields = ['host', 'node', 'options', 'summary']
const noFields: Fields = {}

type Fields = Readonly<Record<string, unknown>>
type Part = 'options' | 'summary'

/**
 * Reads `{host, node, options, summary}`: the domain and node to publish to, the publish-options and the
 * summary's fields, by the names that they have in XMPP. Numbers and booleans are taken as their text, but not as
 * a device id; null is an absent field. The caller has the token and is trusted: no sender, no affiliation. Throws an HttpFault that
 * names the field.
 */
export function readPublishBody(body: unknown): PublishInput {
  if (!isObject(body)) throw new HttpFault(400, 'invalid-body', 'The body must be a JSON object.')
  for (const name of Object.keys(body)) {
    if (!knownFields.includes(name)) throw wrong(name, `is not known; known are ${knownFields.join(', ')}`)
  }
  const { host, node } = body
  if (typeof host !== 'string' || host === '') throw wrong('host', 'must be the domain to publish to')
  if (node !== undefined && node !== null && typeof node !== 'string') throw wrong('node', 'must be text')

  const input = new PublishInput(host, undefined)
  input.node = node ?? ''
  input.isNotification = true
  const options = fieldsOf(body, 'options')
  for (const name of Object.keys(options)) {
    const value = options[name]
    if (value === null) continue
    // A number would become the text that it is printed as: 1e400 as "Infinity".
    if (isDeviceName(name) && typeof value !== 'string') throw notADevice(name)
    // Tags are ignored whatever they hold: they are the configuration's to give.
    input.setOption(name, name === 'tags' ? '' : textOf(value, 'options', name))
  }
  const summary = fieldsOf(body, 'summary')
  for (const name of Object.keys(summary)) {
    const value = summary[name]
    if (value === null || value === '') continue
    if (!input.summary.set(name, textOf(value, 'summary', name))) break
  }
  return input
}

function fieldsOf(body: Fields, part: Part): Fields {
  const fields = body[part] ?? noFields
  if (!isObject(fields)) throw wrong(part, 'must be an object')
  return fields
}

function textOf(value: unknown, part: Part, name: string): string {
  if (typeof value === 'object') throw wrong(`${part}.${name}`, 'must be one text, number or boolean')
  return String(value)
}

function notADevice(name: string): HttpFault {
  const field = `options.${name}`
  return new HttpFault(400, 'bad-request', `${field} must be text.`, { field })
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(field: string, what: string): HttpFault {
  return new HttpFault(400, 'invalid-field', `${field} ${what}.`, { field })
}
