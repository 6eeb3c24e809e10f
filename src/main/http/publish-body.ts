import { PublishInput } from '../roles/app-server/publish-input.ts'
import { HttpFault } from './fault.ts'

const knownFields = ['host', 'node', 'options', 'summary']

/**
 * Reads `{host, node, options, summary}`: the domain and node to publish to, the publish-options and the
 * summary's fields, by the names that they have in XMPP. Numbers and booleans are taken as their text; null
 * is an absent field. Who holds the token is trusted: no sender, no affiliation. Throws an HttpFault that
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
  for (const [name, value] of textFields(body, 'options')) input.setOption(name, value)
  for (const [name, value] of textFields(body, 'summary')) if (value !== '') input.summary.set(name, value)
  return input
}

function* textFields(
  body: Readonly<Record<string, unknown>>,
  part: 'options' | 'summary',
): Generator<readonly [name: string, value: string]> {
  const fields = body[part]
  if (fields === undefined || fields === null) return
  if (!isObject(fields)) throw wrong(part, 'must be an object')
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) continue
    // Tags are ignored whatever they hold: they are the configuration's to give.
    const isIgnored = part === 'options' && name === 'tags'
    if (!isIgnored && typeof value === 'object')
      throw wrong(`${part}.${name}`, 'must be one text, number or boolean')
    yield [name, String(value)]
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(field: string, what: string): HttpFault {
  return new HttpFault(400, 'invalid-field', `${field} ${what}.`, { field })
}
