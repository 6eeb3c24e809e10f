import { countValues, dataFormNs, fieldText, formTypeOf, isField } from '../../../core/data-form.ts'
import type { Element } from '../../../core/xml/element.ts'
import { publishOptionsNs, pubsubNs, pushNs, summaryNs } from './namespaces.ts'
import { isKnownOption, PublishInput } from './publish-input.ts'

/**
 * Reads what a publish (XEP-0060 §7.1, XEP-0357 §7) asks for, in one walk: `pubsub` is the request's payload.
 * What is wrong with its form is noted in `malformed`; what it asks for is judged by the checks.
 */
export function readPublish(domain: string, from: string, pubsub: Element): PublishInput {
  const input = new PublishInput(domain, from)
  let publish: Element | undefined
  let options: Element | undefined
  for (const child of pubsub.children) {
    if (typeof child === 'string' || child.ns !== pubsubNs) continue
    if (child.name === 'publish') {
      if (publish !== undefined) return malformed(input, 'more than one <publish/>')
      publish = child
    } else if (child.name === 'publish-options') {
      if (options !== undefined) return malformed(input, 'more than one <publish-options/>')
      options = child
    } else {
      return malformed(input, 'something else beside <publish/>')
    }
  }
  if (publish === undefined) return malformed(input, 'no <publish/>')

  input.node = publish.attr('node') ?? ''
  const item = onlyItem(publish)
  if (item === undefined) return malformed(input, 'not one <item/>')
  if (options !== undefined) readOptions(input, options)
  if (input.malformed === undefined) readPayload(input, item)
  return input
}

function malformed(input: PublishInput, why: string): PublishInput {
  input.malformed = why
  return input
}

function onlyItem(publish: Element): Element | undefined {
  let item: Element | undefined
  for (const child of publish.children) {
    if (typeof child === 'string') continue
    if (item !== undefined || child.name !== 'item' || child.ns !== pubsubNs) return undefined
    item = child
  }
  return item
}

/** No form at all is no options: some servers send an empty `<publish-options/>`. */
function readOptions(input: PublishInput, options: Element): void {
  let form: Element | undefined
  for (const child of options.children) {
    if (typeof child === 'string' || child.ns !== dataFormNs) continue
    if (form !== undefined) input.malformed = 'more than one form in <publish-options/>'
    form = child
  }
  if (form === undefined || input.malformed !== undefined) return

  let formType: string | undefined
  for (const field of form.children) {
    if (!isField(field)) continue
    const name = field.attr('var')
    if (name === undefined) continue
    const text = fieldText(field)
    if (name === 'FORM_TYPE') formType = text?.trim()
    else if (isKnownOption(name) && countValues(field) > 1) input.malformed = `${name}: more than one value`
    else if (!input.setOption(name, text ?? '')) input.malformed = `${name}: given twice`
  }
  if (formType !== publishOptionsNs) input.malformed = `publish-options: FORM_TYPE is not ${publishOptionsNs}`
  else if (isNoSubmit(form.attr('type')))
    input.malformed = `publish-options: a form of type ${form.attr('type')}`
}

/**
 * Only these types mean that nothing is submitted. The example of XEP-0357 has no type, and Prosody passes on the type that
 * the app wrote.
 */
function isNoSubmit(type: string | undefined): boolean {
  return type === 'result' || type === 'cancel'
}

function readPayload(input: PublishInput, item: Element): void {
  for (const child of item.children) {
    if (typeof child === 'string') continue
    if (child.name !== 'notification' || child.ns !== pushNs) {
      input.isNotification = false
      return
    }
    input.isNotification = true
    readSummaries(input, child)
  }
}

/** Whatever the form's type: MongooseIM and ejabberd write `submit`, Prosody `form`, XEP-0357 none. */
function readSummaries(input: PublishInput, notification: Element): void {
  for (const form of notification.children) {
    if (typeof form === 'string' || form.name !== 'x' || form.ns !== dataFormNs) continue
    if (formTypeOf(form) !== summaryNs) continue
    for (const field of form.children) {
      if (!isField(field)) continue
      const name = field.attr('var')
      if (name === undefined || name === '' || name === 'FORM_TYPE') continue
      const text = fieldText(field)
      if (text !== undefined && text !== '' && !input.summary.set(name, text)) return
    }
  }
}
