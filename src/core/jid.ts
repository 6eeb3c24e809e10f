/**
 * JIDs as far as this daemon needs them: taken apart, and normalised well enough to compare one from a
 * payload with one that a server has stamped.
 *
 * The normal form is NFKC in lower case for localpart and domain, without the domain's final dot: what
 * Nodeprep and Nameprep make of all but a few rare letters. Servers stamp addresses that are normal
 * already, so the common case is one look at each character.
 */

export interface Jid {
  /** Normalised; '' when there is none. */
  readonly local: string
  /** Normalised; never ''. */
  readonly domain: string
  /** As written; '' when there is none. */
  readonly resource: string
}

/** RFC 7622 §3.1: no part is longer. */
const maxPartBytes = 1023

/** Takes a JID apart (RFC 7622 §3.2); undefined when it is none. */
export function parseJid(text: string): Jid | undefined {
  const slash = text.indexOf('/')
  const bare = slash === -1 ? text : text.slice(0, slash)
  if (hasTooManyMarks(bare)) return undefined
  const resource = slash === -1 ? '' : text.slice(slash + 1)
  const at = bare.indexOf('@')
  const local = at === -1 ? '' : normalPart(bare.slice(0, at))
  const domain = withoutFinalDot(normalPart(bare.slice(at + 1)))

  if (at !== -1 && !isPart(local, '"&\'/:<>@')) return undefined
  if (!isPart(domain, '"&\'/<>@\\') || domain.endsWith('.')) return undefined
  if (slash !== -1 && (resource === '' || utf8Bytes(resource) > maxPartBytes)) return undefined
  return { local, domain, resource }
}

/** `local@domain`, or the domain alone. */
export function bareOf(jid: Jid): string {
  return jid.local === '' ? jid.domain : `${jid.local}@${jid.domain}`
}

/** The normal bare form of a JID; undefined when it is none. */
export function bareJid(text: string): string | undefined {
  let at = -1
  let end = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === slashCode) {
      end = i
      break
    }
    if (code === atCode && at === -1) at = i
    else if (!isPlain(code)) return slowBareJid(text)
  }
  const empty = at === 0 || end - at <= 1 || end === text.length - 1
  const long = end > maxPartBytes || (text.length - end) * 3 > maxPartBytes
  if (empty || long || text.charCodeAt(end - 1) === dotCode) return slowBareJid(text)
  return end === text.length ? text : text.slice(0, end)
}

/** The domain of a bare JID in normal form. */
export function domainOfBare(bare: string): string {
  return bare.slice(bare.indexOf('@') + 1)
}

/** Whether an address names one resource: a client's own requests do, a server's do not. */
export function hasResource(text: string): boolean {
  return text.includes('/')
}

/** The form in which domains are compared, whichever way they are written. */
export function normalDomain(domain: string): string {
  return hostKey(foldedDomain(domain))
}

/** A domain as it stands in a JID in normal form: NFKC, in lower case, without a final dot. */
export function foldedDomain(domain: string): string {
  return withoutFinalDot(normalPart(domain))
}

/**
 * The key by which the domain of a JID in normal form is compared: its U-labels as A-labels (RFC 5890 §2.3.2.1), so that
 * `xn--bcher-kva.example` equals `bücher.example`. Any other name is its own key.
 */
export function hostKey(domain: string): string {
  if (!isInternational(domain) || notInHosts.test(domain)) return domain
  return URL.parse(`ws://${domain}`)?.hostname ?? domain
}

/** Whether a domain has labels that are not ASCII, or A-labels for such labels. */
export function isInternational(domain: string): boolean {
  for (let i = 0; i < domain.length; i++) {
    const code = domain.charCodeAt(i)
    if (code > 0x7f) return true
    if (code === dashCode && domain.charCodeAt(i - 1) === dashCode) return domain.includes('xn--')
  }
  return false
}

/** What means something else in a URL than in a JID; `@` and `/` are of addresses at a host, which are not the host. */
const notInHosts = /[%:?#[\]^|\\\s@/]/

const slashCode = 0x2f
const atCode = 0x40
const dotCode = 0x2e
const dashCode = 0x2d

/** a–z, 0–9, `-`, `.`, `_`: the same in every form, allowed in every part. */
function isPlain(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === dashCode ||
    code === dotCode ||
    code === 0x5f
  )
}

function slowBareJid(text: string): string | undefined {
  const jid = parseJid(text)
  return jid === undefined ? undefined : bareOf(jid)
}

/** Runs of marks. The two katakana letters become marks under NFKC. */
const marks = /[\p{M}\uff9e\uff9f]+/gu
/** No text in any language has more on one letter (UAX #15 §13). */
const maxMarks = 30

/** Whether NFKC would take long: its time grows with the square of the length of such a run. */
function hasTooManyMarks(text: string): boolean {
  for (const [run] of text.matchAll(marks)) if (run.length > maxMarks) return true
  return false
}

/** NFKC comes last as well: a lower-case letter may compose where its capital did not. */
function normalPart(part: string): string {
  return part.normalize('NFKC').toLowerCase().normalize('NFKC')
}

function withoutFinalDot(domain: string): string {
  return domain.endsWith('.') ? domain.slice(0, -1) : domain
}

/** Whether a part, normalised, may stand in a JID: normalising can bring forth an `@` or `/` of its own. */
function isPart(part: string, excluded: string): boolean {
  if (part === '' || hasTooManyMarks(part) || !part.isWellFormed() || utf8Bytes(part) > maxPartBytes)
    return false
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i)
    if (code <= 0x20 || code === 0x7f || excluded.includes(part.charAt(i))) return false
  }
  return true
}

function utf8Bytes(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) bytes += 1
    else if (code < 0x800) bytes += 2
    // Each half of a surrogate pair stands for two of the four bytes.
    else bytes += code >= 0xd800 && code <= 0xdfff ? 2 : 3
  }
  return bytes
}
