import { isIPv4, isIPv6 } from 'node:net'

/** Counts the open connections of each address, so that no address takes all of them. */
export class AddressCounts {
  readonly #most: number
  readonly #open = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Counts a connection; false: its address is at the limit, and the connection is not counted. */
  enter(holder: string): boolean {
    const open = this.#open.get(holder) ?? 0
    if (open >= this.#most) return false
    this.#open.set(holder, open + 1)
    return true
  }

  /** A counted connection ended. */
  leave(holder: string): void {
    const open = this.#open.get(holder) ?? 0
    if (open > 1) this.#open.set(holder, open - 1)
    else this.#open.delete(holder)
  }
}

/**
 * The owner of a connection: the address, or for IPv6 its first half. A provider assigns that half to a customer, who may
 * choose the second half freely (RFC 6177), even for each connection.
 */
export function holderOf(address: string): string {
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(address) ?? []
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  if (!isIPv6(address)) return address
  const [before = '', after] = (address.split('%', 1)[0] ?? '').split('::')
  const [head, tail] = [before, after ?? ''].map((part) => (part === '' ? [] : part.split(':')))
  const groups = head ?? []
  const zeros = after === undefined ? 0 : 8 - groups.length - (tail?.length ?? 0)
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...(tail ?? [])]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
