import { utf8Bytes } from '../../../core/cut-text.ts'
import { dataFormNs, readForm } from '../../../core/data-form.ts'
import { bareJid } from '../../../core/jid.ts'
import { type StanzaError, stanzaErrors, withText } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { publishOptionsNs, pushNs } from '../app-server/namespaces.ts'
import { isKnownOption } from '../app-server/publish-input.ts'
import { field } from './publish-iq.ts'

/** What a client asks for with `<enable/>` or `<disable/>` (XEP-0357 §5, §6). */
export type PushRequest =
  | {
      readonly kind: 'enable'
      /** The App Server, bare. */
      readonly jid: string
      readonly node: string
      readonly options: readonly (readonly [name: string, value: string])[]
    }
  /** `node` undefined: all of that App Server. */
  | { readonly kind: 'disable'; readonly jid: string; readonly node: string | undefined }
  | { readonly kind: 'refused'; readonly error: StanzaError }

/** As long as a part of a JID may be. */
export const maxNodeBytes = 1023
/** Bytes of all options of one subscription, as each publish repeats them: many times what any client sends. */
export const maxOptionsBytes = 16_384

export function isPushRequest({ name, ns }: Element): boolean {
  return ns === pushNs && (name === 'enable' || name === 'disable')
}

/** Reads a payload that `isPushRequest`. `type`: the IQ's. Pure. */
export function readPushRequest(type: 'get' | 'set', payload: Element): PushRequest {
  if (type === 'get') return { kind: 'refused', error: stanzaErrors.notAllowed }
  const jid = bareJid(payload.attr('jid') ?? '')
  if (jid === undefined) return bad('jid: not the address of a push service')
  const node = payload.attr('node')
  if (node !== undefined && isTemplate(node)) return bad('node: a template that is not filled in')
  if (payload.name === 'disable') {
    return node === '' ? bad('node: empty') : { kind: 'disable', jid, node }
  }
  if (node === undefined || node === '') return bad('node: missing or empty')
  if (Buffer.byteLength(node) > maxNodeBytes) return tooLong('node')
  return readOptions(jid, node, payload)
}

function readOptions(jid: string, node: string, payload: Element): PushRequest {
  const [form, ...more] = payload.elements('x')
  if (form === undefined) return { kind: 'enable', jid, node, options: [] }
  if (more.length > 0) return bad('more than one form')
  // Without the form it would be a registration without a device, which never gets a push.
  if (form.ns !== dataFormNs) return bad(`the form is not in the namespace ${dataFormNs}`)
  const { type, formType, fields } = readForm(form)
  if (type === 'form' || type === 'result' || type === 'cancel') return bad(`a form of type ${type}`)
  if (formType !== publishOptionsNs) return bad(`FORM_TYPE is not ${publishOptionsNs}`)

  const options: [string, string][] = []
  let bytes = 0
  for (const [name, [written, ...others]] of fields) {
    if (written === undefined || others.length > 0) return bad('a field without exactly one value')
    const value = isKnownOption(name) ? written.trim() : written
    if (isTemplate(value)) return bad(`${name.slice(0, 64)}: a template that is not filled in`)
    options.push([name, value])
    bytes += utf8Bytes(field(name, value))
  }
  if (bytes > maxOptionsBytes) return tooLong('publish-options')
  return { kind: 'enable', jid, node, options }
}

/** A placeholder that the app's build should have replaced: `###DEVICE_TOKEN###`. */
function isTemplate(value: string): boolean {
  return /^###.*###$/s.test(value)
}

function bad(why: string): PushRequest {
  return { kind: 'refused', error: withText(stanzaErrors.badRequest, why) }
}

function tooLong(what: string): PushRequest {
  return { kind: 'refused', error: withText(stanzaErrors.notAcceptable, `${what}: too long`) }
}
