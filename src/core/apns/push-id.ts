const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * `apns-id` of a push: a UUID made of its own id alone, so that a retry, after a restart too, is the same push. An id
 * that is a UUID stays what it is; any other becomes one of version 8 (RFC 9562 §5.8), equal only for equal ids, as far
 * as 122 bits tell them apart. It names pushes and protects nothing: the hash need not be a cryptographic one.
 */
export function apnsId(id: string): string {
  if (uuid.test(id)) return id.toLowerCase()
  const [a, b, c, d] = hash(id)
  const hex = [a, (b & 0xffff_0fff) | 0x8000, (c & 0x3fff_ffff) | 0x8000_0000, d].map(hexOf).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Four lanes, each stirred by every character and by the lane before it. */
function hash(text: string): [number, number, number, number] {
  let [a, b, c, d] = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = b ^ Math.imul(a ^ unit, 0x85eb_ca6b)
    b = c ^ Math.imul(b ^ unit, 0xc2b2_ae35)
    c = d ^ Math.imul(c ^ unit, 0x27d4_eb2f)
    d = a ^ Math.imul(d ^ unit, 0x1656_67b1)
  }
  const all = a ^ b ^ c ^ d ^ text.length
  return [finish(a ^ all), finish(b ^ all), finish(c ^ all), finish(d ^ all)]
}

/** MurmurHash3's last step: each bit of the input reaches each of the output. */
function finish(lane: number): number {
  let mixed = Math.imul(lane ^ (lane >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return mixed ^ (mixed >>> 16)
}

function hexOf(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0')
}
