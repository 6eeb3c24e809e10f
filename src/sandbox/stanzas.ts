/**
 * What real XMPP servers and their clients send to an App Server, word by word (attribute order, quotes, empty
 * fields), with the values put in: for tests, the demo and whoever plays a server by hand.
 */

/** Whose words a publish is in. */
export type PublishShape = 'mongooseim' | 'ejabberd' | 'prosody'

export interface PublishValues {
  readonly id: string
  /** The publishing server's domain. */
  readonly from: string
  readonly to: string
  /** Undefined: Prosody's publish for a client that enabled without a node. */
  readonly node?: string | undefined
  /** The publish-options that the client enabled with; undefined: it enabled without a form. */
  readonly options?: Readonly<Record<string, string>> | undefined
  /** The summary's fields, such as `last-message-body`. */
  readonly summary?: Readonly<Record<string, string>> | undefined
  /** A `<notification/>` without a form, as ejabberd sends it for what has no body. */
  readonly bare?: boolean | undefined
  /** Default `mongooseim`. */
  readonly shape?: PublishShape | undefined
}

/** A summary's usual fields (XEP-0357 §5), in the order that servers send them. */
export function summaryOf(sender: string, body: string, count = 1): Record<string, string> {
  return { 'message-count': `${count}`, 'last-message-sender': sender, 'last-message-body': body }
}

/** A publish as an XMPP server sends it (XEP-0357 §7). */
export function publishIq(values: PublishValues): string {
  const { id, from, to, node, options, shape = 'mongooseim' } = values
  const head = {
    mongooseim: attributes({ from, to, id, type: 'set' }),
    ejabberd: attributes({ to, from, type: 'set', id }),
    prosody: attributes({ to, id, type: 'set', from }),
  }[shape]
  const notification =
    values.bare === true
      ? "<notification xmlns='urn:xmpp:push:0'/>"
      : `<notification xmlns='urn:xmpp:push:0'>${summaryForms[shape](values.summary ?? {})}</notification>`
  const publish = `<publish${attributes({ node })}><item>${notification}</item></publish>`
  const publishOptions =
    options === undefined ? '' : `<publish-options>${optionsForms[shape](options)}</publish-options>`
  return `<iq${head}><pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}${publishOptions}</pubsub></iq>`
}

type Form = (fields: Readonly<Record<string, string>>) => string

const summaryForms: Readonly<Record<PublishShape, Form>> = {
  mongooseim: (summary) =>
    `<x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>${plainFields(summary)}</x>`,

  ejabberd: (summary) => {
    const fields = Object.entries(summary).map(([name, value]) => {
      const [type, label] = ejabberdFields[name] ?? ['text-single', name]
      return `<field${attributes({ var: name, type, label })}><value>${escapeXml(value)}</value></field>`
    })
    return `<x type='submit' xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:push:summary</value></field>${fields.join('')}</x>`
  },

  /** Always these four fields; one without a value has no `<value/>`. The form's type is `form`. */
  prosody: (summary) => {
    const fields = Object.entries({ ...prosodyFields, ...summary }).map(([name, given]) => {
      const head = `<field${attributes({ var: name, type: name === 'last-message-sender' ? 'jid-single' : 'text-single' })}`
      return given === '' ? `${head}/>` : `${head}><value>${escapeXml(given)}</value></field>`
    })
    return `<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:push:summary</value></field>${fields.join('')}</x>`
  },
}

const ejabberdFields: Readonly<Record<string, readonly [type: string, label: string]>> = {
  'last-message-sender': ['jid-single', 'The sender of the last received message'],
  'last-message-body': ['text-single', 'The body text of the last received message'],
}

const prosodyFields = {
  'message-count': '1',
  'pending-subscription-count': '',
  'last-message-sender': '',
  'last-message-body': '',
}

const optionsFormType = 'http://jabber.org/protocol/pubsub#publish-options'

/** ejabberd and Prosody send the client's own form; MongooseIM makes one, its fields sorted. */
const optionsForms: Readonly<Record<PublishShape, Form>> = {
  mongooseim: (options) => {
    const sorted = Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)))
    return `<x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'><value>${optionsFormType}</value></field>${plainFields(sorted)}</x>`
  },
  ejabberd: (options) => `<x type='submit' xmlns='jabber:x:data'>${clientFields(options)}</x>`,
  prosody: (options) => `<x xmlns='jabber:x:data' type='submit'>${clientFields(options)}</x>`,
}

function clientFields(options: Readonly<Record<string, string>>): string {
  return plainFields({ FORM_TYPE: optionsFormType, ...options })
}

function plainFields(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `<field${attributes({ var: name })}><value>${escapeXml(value)}</value></field>`)
    .join('')
}

/** Who asks whom, and how the answer will be known. */
export interface Addresses {
  readonly id: string
  readonly from: string
  readonly to: string
}

export function iq(type: 'get' | 'set' | 'result', { id, from, to }: Addresses, payload: string): string {
  return `<iq${attributes({ 'xml:lang': 'en', to, from, type, id })}${payload === '' ? '/>' : `>${payload}</iq>`}`
}

const pubsubNs = 'http://jabber.org/protocol/pubsub'
const ownerNs = 'http://jabber.org/protocol/pubsub#owner'
const nodeConfigType = 'http://jabber.org/protocol/pubsub#node_config'

/** A client makes its push node, with options such as `pubsub#publish_model` if given. */
export function createNodeIq(
  addresses: Addresses,
  node: string | undefined,
  config?: Readonly<Record<string, string>>,
  type: string | undefined = 'push',
): string {
  const configure = config === undefined ? '' : `<configure>${nodeConfigForm(config)}</configure>`
  return iq(
    'set',
    addresses,
    `<pubsub xmlns='${pubsubNs}'><create${attributes({ node, type })}/>${configure}</pubsub>`,
  )
}

/** Asks for a node's configuration or, with `config`, sets it. */
export function configureNodeIq(
  addresses: Addresses,
  node: string,
  config?: Readonly<Record<string, string>>,
): string {
  const form = config === undefined ? '' : nodeConfigForm(config)
  const configure = `<configure${attributes({ node })}>${form}</configure>`
  return iq(
    config === undefined ? 'get' : 'set',
    addresses,
    `<pubsub xmlns='${ownerNs}'>${configure}</pubsub>`,
  )
}

/** Sets affiliations, by JID: this is how a client lets its server publish. */
export function affiliationsIq(
  addresses: Addresses,
  node: string,
  affiliations?: Readonly<Record<string, string>>,
): string {
  const entries = Object.entries(affiliations ?? {}).map(
    ([jid, affiliation]) => `<affiliation${attributes({ jid, affiliation })}/>`,
  )
  const list = `<affiliations${attributes({ node })}>${entries.join('')}</affiliations>`
  return iq(
    affiliations === undefined ? 'get' : 'set',
    addresses,
    `<pubsub xmlns='${ownerNs}'>${list}</pubsub>`,
  )
}

export function deleteNodeIq(addresses: Addresses, node: string): string {
  return iq('set', addresses, `<pubsub xmlns='${ownerNs}'><delete${attributes({ node })}/></pubsub>`)
}

export function discoInfoIq(addresses: Addresses, node?: string): string {
  return iq('get', addresses, `<query xmlns='http://jabber.org/protocol/disco#info'${attributes({ node })}/>`)
}

export function discoItemsIq(addresses: Addresses): string {
  return iq('get', addresses, "<query xmlns='http://jabber.org/protocol/disco#items'/>")
}

export function pingIq(addresses: Addresses): string {
  return iq('get', addresses, "<ping xmlns='urn:xmpp:ping'/>")
}

function nodeConfigForm(config: Readonly<Record<string, string>>): string {
  return `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>${nodeConfigType}</value></field>${plainFields(config)}</x>`
}

/** ` name='value'` for each that has one. */
function attributes(values: Readonly<Record<string, string | undefined>>): string {
  let text = ''
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) text += ` ${name}='${escapeXml(value)}'`
  }
  return text
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
}

/** Text made safe for an element or an attribute; characters that XML cannot hold stay: tests may want them. */
export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>'"]/g, (character) => entities[character] ?? character)
}
