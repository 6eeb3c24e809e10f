const start = 0x811c9dc5
const prime = 0x01000193

/** 32 bits: FNV-1a over UTF-16 units, with an end to each text. `before`: the hash of the texts in front of this one. Pure. */
export function hashOf(text: string, before = start): number {
  let hash = before
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime)
  return Math.imul(hash, prime)
}
