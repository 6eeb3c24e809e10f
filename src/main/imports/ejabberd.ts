import { Element } from '../../core/xml/element.ts'
import { isIncomplete } from '../../core/xml/pruned-element.ts'
import { parseStanza } from '../xmpp/parse-stanza.ts'
import { fixedLimits } from '../xmpp/parser-limits.ts'
import { timeOfMicroseconds } from './bytes.ts'
import { addressOf, binariesOf, binaryOf, isAtom, numbersOf, type Term } from './erlang-term.ts'
import type { Fields } from './imported-subscription.ts'
import type { ServerLayout } from './server-export.ts'
import { readEnable } from './stored-enable.ts'

/** Several times what `<enable/>` may hold. */
const formLimits = {
  ...fixedLimits,
  maxStreamStanzaBytes: 262_144,
  maxStanzaBytes: 262_144,
  maxTextBytes: 262_144,
  maxDepth: 32,
  maxAttributes: 64,
}

/**
 * What ejabberd's mod_push keeps, in SQL or in Mnesia: `push_session`.
 *
 * @param host of the users: its older SQL schema leaves it to the database
 */
export function ejabberdLayout(host: string | undefined): ServerLayout {
  return {
    columns: ['username', 'service', 'node', 'xml', ...(host === undefined ? ['server_host'] : [])],
    fromRow(cell) {
      const xml = cell('xml')
      const form = xml === '' ? undefined : parseStanza(xml, formLimits)
      if (xml !== '' && form === undefined) return 'xml is no XML'
      if (form !== undefined && isIncomplete(form)) return 'xml is larger than a form can be'
      const time = cell('timestamp')
      const enabled = timeOfMicroseconds(time)
      if (time !== '' && enabled === undefined) return 'timestamp is no time in microseconds'
      const user = `${cell('username')}@${cell('server_host') || (host ?? '')}`
      return readEnable({ user, jid: cell('service'), node: cell('node'), form, enabled })
    },
    record: 'push_session',
    fromRecord,
  }
}

function fromRecord([us, timestamp, service, nodeName, xml]: readonly Term[]): Fields | string {
  const [name, host] = binariesOf(us) ?? []
  if (name === undefined || host === undefined) return 'its user is no pair of texts'
  const [megaseconds = Number.NaN, seconds = Number.NaN] = numbersOf(timestamp) ?? []
  const enabledAt = new Date((megaseconds * 1e6 + seconds) * 1000)
  if (Number.isNaN(enabledAt.getTime())) return 'its timestamp is no time'
  const jid = addressOf(binariesOf(service))
  if (jid === undefined) return 'its service is no address'
  const node = binaryOf(nodeName)
  if (node === undefined) return 'its node is no text'
  const form = isAtom(xml, 'undefined') ? undefined : elementOf(xml, '')
  if (typeof form === 'string') return form
  return readEnable({ user: `${name}@${host}`, jid, node, form, enabled: enabledAt.toISOString() })
}

/** `{xmlel, Name, Attributes, Children}`; a text: why it is none. `parentNs`: what holds where no namespace is said. */
function elementOf(term: Term | undefined, parentNs: string): Element | string {
  if (term?.kind !== 'tuple') return notXml
  const [tag, nameTerm, attributeTerms, childTerms] = term.items
  const name = binaryOf(nameTerm)
  if (!isAtom(tag, 'xmlel') || name === undefined) return notXml
  if (attributeTerms?.kind !== 'list' || childTerms?.kind !== 'list') return notXml

  const attributes: string[] = []
  let ns = parentNs
  for (const pair of attributeTerms.items) {
    const [attribute, value] = binariesOf(pair) ?? []
    if (attribute === undefined || value === undefined) return notXml
    attributes.push(attribute, value)
    if (attribute === 'xmlns') ns = value
  }
  const children: (Element | string)[] = []
  for (const child of childTerms.items) {
    const [kind, data] = child.kind === 'tuple' ? child.items : []
    const text = isAtom(kind, 'xmlcdata') ? binaryOf(data) : undefined
    if (text !== undefined) {
      if (text !== '') children.push(text)
      continue
    }
    const element = elementOf(child, ns)
    if (typeof element === 'string') return element
    children.push(element)
  }
  return new Element(name, ns, attributes, children)
}

const notXml = 'its xml is no element'
