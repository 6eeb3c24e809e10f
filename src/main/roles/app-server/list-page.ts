import { utf8Bytes } from '../../../core/cut-text.ts'
import { type IqHeader, iqError, iqResult, maxSentStanzaBytes } from '../../../core/stanza.ts'
import { type StanzaError, stanzaErrors, withText } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { escapeXml, writtenBytes } from '../../../core/xml/escape.ts'
import type { ListedPart, ListPart } from '../../store/node-ports.ts'
import { rsmNs } from './namespaces.ts'

/**
 * Lists as pages (XEP-0059). The answer to a request without `<set/>` is the first page, with a `<set/>`. Entries are
 * identified by name; a page is after or before a name, even if that name is no longer in the list. Pure.
 */

export const maxPageEntries = 100
/** Of the payload, as it is written. */
const maxPageBytes = 48 * 1024

/** How a list is written: `head`, the entries, `foot`, the `<set/>`, `tail`. */
export interface ListShape<T> {
  readonly head: string
  readonly foot: string
  readonly tail: string
  readonly entry: (entry: T) => string
  readonly name: (entry: T) => string
}

/** A list that was asked for, to be made when its sender's turn comes. */
export interface ListAnswer {
  /** The answer, a complete stanza. May throw a StoreError. */
  readonly makeList: () => string
}

/** Which page is asked for; `parent`: what `<set/>` is a child of. */
export function readListPart(parent: Element): ListPart | StanzaError {
  const set = parent.child('set', rsmNs)
  const max = set?.child('max', rsmNs)?.text().trim()
  if (max !== undefined && !/^[0-9]+$/.test(max))
    return withText(stanzaErrors.badRequest, 'max: not a number')
  // XEP-0059 §2.6: that is optional.
  if (set?.child('index', rsmNs) !== undefined) return stanzaErrors.featureNotImplemented
  const before = set?.child('before', rsmNs)?.text()
  const after = set?.child('after', rsmNs)?.text()
  // An empty `before` asks for the last page.
  const anchor = before ?? after
  return {
    anchor: anchor === '' ? undefined : anchor,
    backwards: before !== undefined,
    limit: max === undefined ? maxPageEntries : Math.min(Number(max), maxPageEntries),
  }
}

/** The answer with as much of a listed part as may be in one page. */
export function renderPage<T>(
  request: IqHeader,
  part: ListPart,
  listed: ListedPart<T>,
  shape: ListShape<T>,
): string {
  const { head, foot, tail } = shape
  const frameBytes = utf8Bytes(
    iqResult(request, `${head}${foot}${renderSet([], undefined, undefined)}${tail}`),
  )
  const roomBytes = Math.min(maxPageBytes, maxSentStanzaBytes - frameBytes)
  const { entries, index } = fitting(part, listed, shape, roomBytes)
  if (entries.length === 0 && listed.entries.length > 0) {
    return iqError(
      request,
      withText(stanzaErrors.notAcceptable, 'the addresses and the id are too long for an answer'),
    )
  }
  const xml = entries.map(shape.entry).join('')
  const set = renderSet(entries.map(shape.name), index, listed.count)
  return iqResult(request, `${head}${xml}${foot}${set}${tail}`)
}

/** Of a list that is at hand as a whole, in its order. */
export function partOfArray<T>(all: readonly T[], part: ListPart, name: (entry: T) => string): ListedPart<T> {
  const { anchor, backwards, limit } = part
  const from = all.findIndex((entry) => anchor !== undefined && name(entry) >= anchor)
  const at = from === -1 ? all.length : from
  if (backwards) {
    const end = anchor === undefined ? all.length : at
    const index = Math.max(0, end - limit)
    return { entries: all.slice(index, end), index, count: all.length }
  }
  const first = all[at]
  const start = anchor === undefined ? 0 : first !== undefined && name(first) === anchor ? at + 1 : at
  return { entries: all.slice(start, start + limit), index: start, count: all.length }
}

/** Those next to where the page begins, forwards or backwards. */
function fitting<T>(
  { backwards }: ListPart,
  { entries, index }: ListedPart<T>,
  { entry, name }: ListShape<T>,
  roomBytes: number,
): { entries: readonly T[]; index: number | undefined } {
  const ordered = backwards ? entries.toReversed() : entries
  const nameBytes = (named: T) => writtenBytes(name(named))
  // The first and the last of them are named in the `<set/>`.
  let bytes = ordered[0] === undefined ? 0 : nameBytes(ordered[0])
  const fits = ordered.findIndex((next) => {
    bytes += utf8Bytes(entry(next))
    return bytes + nameBytes(next) > roomBytes
  })
  const count = fits === -1 ? ordered.length : fits
  if (!backwards) return { entries: entries.slice(0, count), index }
  const left = entries.length - count
  return { entries: entries.slice(left), index: index === undefined ? undefined : index + left }
}

function renderSet(names: readonly string[], index: number | undefined, count: number | undefined): string {
  const [first] = names
  let xml = `<set xmlns='${rsmNs}'>`
  if (first !== undefined) {
    const at = index === undefined ? '' : ` index='${index}'`
    xml += `<first${at}>${escapeXml(first)}</first><last>${escapeXml(names.at(-1) ?? first)}</last>`
  }
  if (count !== undefined) xml += `<count>${count}</count>`
  return `${xml}</set>`
}
