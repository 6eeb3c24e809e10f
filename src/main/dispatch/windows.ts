/** How many requests a worker may hold at once. Few: what a dying worker holds is in doubt, and waits for it alone. */

/**
 * At an origin of MongoosePush: one on each connection, and a few more so that a connection that is done finds its
 * next request there.
 */
export function windowFor(connections: number): number {
  return connections + Math.max(4, Math.ceil(connections / 4))
}

/**
 * While a pool's connections take hardly any. APNs takes one at a time on a new connection until it has seen a good
 * one, and goes back to that when all are bad: at 250 ms each these have their turn within a request timeout of 5 s.
 */
const leastProviderWindow = 16
/** Two workers then have 4000 under way at a pool: at 250 ms each, 16 000 a second. */
const largestProviderWindow = 2_000
const streamsOfConnection = 1_000

/**
 * At a provider pool whose open connections take `streams` at a time: a quarter more, so that a stream that is done
 * finds its next request there, and another connection is opened when there is more to do than those take.
 */
export function providerWindow(streams: number, connections: number): number {
  const wanted = streams + Math.max(8, Math.ceil(streams / 4))
  return Math.min(largestWindowFor(connections), Math.max(leastProviderWindow, wanted))
}

/** The most that `providerWindow` ever gives for so many connections. */
export function largestWindowFor(connections: number): number {
  return Math.min(largestProviderWindow, streamsOfConnection * connections)
}
