import { SaxesParser } from 'saxes'
import { isNameStart } from '../../src/core/xml/characters.ts'
import { Element } from '../../src/core/xml/element.ts'

/** What saxes, strict and with namespaces, makes of a document. */
export interface SaxesReading {
  /** The children of the root that were complete before anything wrong. */
  readonly stanzas: readonly Element[]
  /** What was wrong first, the end of the root aside. */
  readonly error: string | undefined
  /** The root was closed before anything wrong. */
  readonly isComplete: boolean
  /** What was seen, before anything wrong, that a stream must not hold though saxes takes it. */
  readonly oddities: ReadonlySet<Oddity>
  /** A namespace's name has whitespace around it: saxes cuts that off, which makes another namespace of it. */
  readonly hasPaddedNamespace: boolean
}

export type Oddity =
  | 'byte order mark'
  | 'comment'
  | 'processing instruction'
  | 'document type'
  | 'other encoding'
  | 'other version'
  | 'other root'
  | 'text between stanzas'
  | 'local name that is none'

export function readWithSaxes(document: string): SaxesReading {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const stanzas: Element[] = []
  const oddities = new Set<Oddity>()
  const open: Element[] = []
  let error: string | undefined
  let isComplete = false
  let hasPaddedNamespace = false
  const isReading = (): boolean => error === undefined && !isComplete

  // saxes tells of an element's end before it complains of a wrong name in the end tag.
  let undoClose = (): void => {}
  parser.on('error', ({ message }) => {
    if (error === undefined && message === 'unexpected close tag.') undoClose()
    if (isReading()) error = message
  })
  const note = (oddity: Oddity): void => {
    if (isReading()) oddities.add(oddity)
  }
  parser.on('comment', () => note('comment'))
  parser.on('processinginstruction', () => note('processing instruction'))
  parser.on('doctype', () => note('document type'))
  parser.on('xmldecl', ({ encoding, version }) => {
    if (encoding !== undefined && encoding.toUpperCase() !== 'UTF-8') note('other encoding')
    if (version !== '1.0') note('other version')
  })
  // Before the tag: a namespace of nothing but whitespace is refused as if it were empty.
  parser.on('attribute', ({ name, value }) => {
    if (isReading()) hasPaddedNamespace ||= name.startsWith('xmlns') && value.trim() !== value
  })
  parser.on('opentag', (tag) => {
    if (!isReading()) return
    const attributes = Object.values(tag.attributes).flatMap(({ name, value }) => [name, value])
    const element = new Element(tag.local, tag.uri, attributes)
    // saxes only looks at how the whole name begins, not at what follows the colon.
    for (const { local } of [tag, ...Object.values(tag.attributes)]) {
      if (!isNameStart(local.codePointAt(0) ?? 0)) note('local name that is none')
    }
    const isStream = tag.local === 'stream' && tag.uri === 'http://etherx.jabber.org/streams'
    if (open.length === 0 && !isStream) note('other root')
    if (open.length > 1) open.at(-1)?.children.push(element)
    open.push(element)
  })
  parser.on('closetag', () => {
    undoClose = () => {}
    if (!isReading()) return
    const element = open.pop()
    if (open.length === 0) {
      isComplete = true
      undoClose = () => {
        isComplete = false
      }
    } else if (open.length === 1 && element !== undefined) {
      stanzas.push(element)
      undoClose = () => stanzas.pop()
    }
  })
  const onText = (text: string, isCdata: boolean): void => {
    if (!isReading()) return
    const parent = open.at(-1)
    if (open.length <= 1) {
      if (isCdata || /[^ \t\r\n]/.test(text)) note('text between stanzas')
    } else if (parent !== undefined && text !== '') {
      const { children } = parent
      const last = children.at(-1)
      if (typeof last === 'string') children[children.length - 1] = last + text
      else children.push(text)
    }
  }
  parser.on('text', (text) => onText(text, false))
  parser.on('cdata', (text) => onText(text, true))
  if (document.startsWith('\ufeff')) oddities.add('byte order mark')
  parser.write(document).close()
  return { stanzas, error, isComplete, oddities, hasPaddedNamespace }
}
