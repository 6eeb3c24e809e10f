import { cutText, utf8Bytes } from '../../../core/cut-text.ts'
import { isTooLargeToSend, maxSentStanzaBytes } from '../../../core/stanza.ts'
import { escapeXml, writtenBytes } from '../../../core/xml/escape.ts'
import type { Subscription } from '../../store/ports.ts'
import { publishOptionsNs, pubsubNs, pushNs, summaryNs } from '../app-server/namespaces.ts'

/** The prefix of the ids of publishes: it identifies their answers without a lookup. */
export const publishIdPrefix = 'xmpp-pushd-publish-'

/** Whether an IQ has the id of a publish that this or an earlier run sent. */
export function isPublishId(id: string): boolean {
  return id.startsWith(publishIdPrefix)
}

/**
 * The publish (XEP-0357 §7) of a summary, flat, to a subscription's App Server, with the options it was enabled with. Where
 * that would be a larger stanza than servers take, the longest values of the summary are cut.
 */
export function publishIq(
  id: string,
  from: string,
  subscription: Subscription,
  summary: readonly string[],
): string {
  const iq = renderPublish(id, from, subscription, summary)
  if (!isTooLargeToSend(iq)) return iq
  const excessBytes = utf8Bytes(iq) - maxSentStanzaBytes
  return renderPublish(id, from, subscription, shortened(summary, excessBytes))
}

function renderPublish(
  id: string,
  from: string,
  { jid, node, options }: Subscription,
  summary: readonly string[],
): string {
  let fields = ''
  for (let i = 0; i < summary.length; i += 2) fields += field(summary[i] ?? '', summary[i + 1] ?? '')
  let optionFields = ''
  for (const [name, value] of options) optionFields += field(name, value)
  const publishOptions =
    optionFields === '' ? '' : `<publish-options>${form(publishOptionsNs, optionFields)}</publish-options>`
  return (
    `<iq type='set' id='${escapeXml(id)}' from='${escapeXml(from)}' to='${escapeXml(jid)}'>` +
    `<pubsub xmlns='${pubsubNs}'><publish node='${escapeXml(node)}'><item>` +
    `<notification xmlns='${pushNs}'>${form(summaryNs, fields)}</notification>` +
    `</item></publish>${publishOptions}</pubsub></iq>`
  )
}

/** The summary with so many bytes less, as far as its values have them. */
function shortened(summary: readonly string[], excessBytes: number): readonly string[] {
  const shorter = [...summary]
  for (let left = excessBytes; left > 0; ) {
    let longest = 1
    for (let i = 3; i < shorter.length; i += 2) {
      if (writtenBytes(shorter[i] ?? '') >= writtenBytes(shorter[longest] ?? '')) longest = i
    }
    const value = shorter[longest] ?? ''
    const bytes = writtenBytes(value)
    if (bytes === 0) break
    const cut = cutText(value, Math.max(0, bytes - left), writtenBytes) ?? ''
    shorter[longest] = cut
    left -= bytes - writtenBytes(cut)
  }
  return shorter
}

function form(formType: string, fields: string): string {
  return (
    "<x xmlns='jabber:x:data' type='submit'>" +
    `<field var='FORM_TYPE' type='hidden'><value>${formType}</value></field>${fields}</x>`
  )
}

/** A field of a form (XEP-0004), as publishes have them. */
export function field(name: string, value: string): string {
  return `<field var='${escapeXml(name)}'><value>${escapeXml(value)}</value></field>`
}
