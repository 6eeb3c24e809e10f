/** The token by which APNs knows a key's owner (a JWT, ES256): what is in it, and when it is made anew. */

export interface ApnsKey {
  readonly keyId: string
  readonly teamId: string
}

/** Header and claims of the JWT, to be signed with the key; `issuedAtS` in seconds since the epoch. */
export function apnsJwt({ keyId, teamId }: ApnsKey, issuedAtS: number) {
  return { header: { alg: 'ES256', kid: keyId }, claims: { iss: teamId, iat: issuedAtS } } as const
}

const minuteMs = 60_000
/** APNs refuses a key's owner who renews more often (TooManyProviderTokenUpdates). */
export const youngestRenewalMs = 20 * minuteMs
/** APNs takes none that is older (ExpiredProviderToken). */
export const oldestTokenMs = 60 * minuteMs

/** The age at which a token is renewed unasked: 50 minutes, 5 more or less, so that several daemons do not renew at once. */
export function renewalAgeMs(random: number): number {
  return (45 + 10 * random) * minuteMs
}

/**
 * Whether a token is made anew. `refused`: APNs has called it expired, which it can only be if a clock is wrong; it is
 * renewed then as soon as it may be. A token that is from the future, by a clock that was set back, is judged by how far
 * it is off.
 */
export function isRenewalDue(ageMs: number, renewalMs: number, refused: boolean): boolean {
  return Math.abs(ageMs) >= (refused ? youngestRenewalMs : Math.min(renewalMs, oldestTokenMs))
}
