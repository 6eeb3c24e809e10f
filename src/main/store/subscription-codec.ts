import type { Subscription } from './ports.ts'
import { StoreError } from './store-error.ts'
import type { Codec } from './table.ts'

/** A subscription as it is stored: an array, its first element the layout's number. Fields are added at the end. */

const layout = 1

export const subscriptionCodec: Codec<Subscription> = {
  encode: ({ user, jid, node, options, session, domain, enabledAtMs, usedAtMs, outage }) => [
    layout,
    user,
    jid,
    node,
    options.flat(),
    session,
    domain,
    enabledAtMs,
    usedAtMs,
    ...(outage === undefined ? [] : [outage.failures, outage.sinceMs]),
  ],

  decode(stored) {
    if (!Array.isArray(stored) || stored[0] !== layout) throw damaged()
    const [, user, jid, node, options, session, domain, enabledAtMs, usedAtMs, failures, sinceMs] = stored
    return {
      user: text(user),
      jid: text(jid),
      node: text(node),
      options: pairs(options),
      session: text(session),
      domain: text(domain),
      enabledAtMs: number(enabledAtMs),
      usedAtMs: number(usedAtMs),
      // Older records, and those without failures, end before this field.
      outage: failures === undefined ? undefined : { failures: number(failures), sinceMs: number(sinceMs) },
    }
  },
}

function pairs(flat: unknown): [string, string][] {
  if (!Array.isArray(flat)) throw damaged()
  const found: [string, string][] = []
  for (let i = 0; i + 1 < flat.length; i += 2) found.push([text(flat[i]), text(flat[i + 1])])
  return found
}

function text(stored: unknown): string {
  if (typeof stored === 'string') return stored
  throw damaged()
}

function number(stored: unknown): number {
  if (typeof stored === 'number') return stored
  throw damaged()
}

function damaged(): StoreError {
  return new StoreError('corrupt', 'the store holds a subscription that cannot be read: restore a backup')
}
