/** Randomness that a seed repeats (mulberry32): 0 ≤ r < 1 each. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    return mix(state)
  }
}

/** The same number for the same arguments, 0 ≤ r < 1: a fate that no order of events changes. */
export function fateOf(seed: number, number: number): number {
  return mix((seed ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0)
}

export function pick<T>(list: readonly [T, ...T[]], random: () => number): T {
  return list[Math.floor(random() * list.length)] ?? list[0]
}

export function between(low: number, high: number, random: () => number): number {
  return low + random() * (high - low)
}

function mix(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 15), number | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}
