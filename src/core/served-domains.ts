import { normalDomain } from './jid.ts'

const hostPlaceholder = '@HOST@'

/**
 * Whether a domain is a virtual pubsub host: publishes to it need no push node, since each names its
 * device itself. In the patterns `@HOST@` ranges over the served hosts; a pattern without it is a domain.
 */
export function isVirtualDomain(
  domain: string,
  patterns: readonly string[],
  servedHosts: readonly string[],
): boolean {
  const wanted = normalDomain(domain)
  for (const pattern of patterns) {
    const candidates = pattern.includes(hostPlaceholder) ? servedHosts : ['']
    for (const host of candidates) {
      if (normalDomain(pattern.replaceAll(hostPlaceholder, () => host)) === wanted) return true
    }
  }
  return false
}
