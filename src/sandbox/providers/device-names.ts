/** What a device's name asks for, at either provider: `word-rest`, `word2-rest` (the first two times only). */
import type { ProviderAnswer } from './provider-request.ts'

/** More devices than that with a count in their names, and the oldest begin again. */
const maxCounted = 10_000

const html = '<html><body><h1>502 Bad Gateway</h1></body></html>'

const commonWords: Readonly<Record<string, ProviderAnswer>> = {
  hang: { status: 'hang' },
  reset: { status: 'reset' },
  refused: { status: 'refused' },
  cut: { status: 'cut' },
  /** What something between here and the provider says. */
  garbage: { status: 502, body: html, headers: { 'content-type': 'text/html' } },
  empty: { status: 500 },
}

export class DeviceNames {
  readonly #words: ReadonlyMap<string, ProviderAnswer>
  readonly #met = new Map<string, number>()

  constructor(words: Readonly<Record<string, ProviderAnswer>>) {
    this.#words = new Map(Object.entries({ ...commonWords, ...words }))
  }

  /** The answer that the name asks for; undefined when it asks for nothing (any more). `slow250-…`: after 250 ms. */
  answer(deviceId: string, delivered: ProviderAnswer): ProviderAnswer | undefined {
    const end = deviceId.indexOf('-')
    if (end < 1) return undefined
    const name = deviceId.slice(0, end)
    const word = name.replace(/\d{1,6}$/, '')
    const digits = name.slice(word.length)
    if (word === 'slow' && digits !== '') return { ...delivered, delayMs: Number(digits) }
    const asked = this.#words.get(word)
    if (asked === undefined || digits === '') return asked
    return this.#times(deviceId) <= Number(digits) ? asked : undefined
  }

  /** How often it was met, this time included. */
  #times(deviceId: string): number {
    const times = (this.#met.get(deviceId) ?? 0) + 1
    this.#met.delete(deviceId)
    this.#met.set(deviceId, times)
    const [oldest] = this.#met.keys()
    if (this.#met.size > maxCounted && oldest !== undefined) this.#met.delete(oldest)
    return times
  }
}
