import type { ProviderToken, ProviderTokenStore } from '../gateway/ports.ts'
import type { Environment } from './environment.ts'
import { keyPart, separator } from './keys.ts'
import { list, number, text } from './notification-codec.ts'
import type { Codec, Table } from './table.ts'

/**
 * Provider tokens in LMDB, the newest of each key:
 *
 *   provider_tokens   team, key id → layout, JWT, when it was issued
 */
const layout = 1

export const tokenCodec: Codec<ProviderToken> = {
  encode: ({ jwt, issuedAtMs }) => [layout, jwt, issuedAtMs],
  decode: (stored) => {
    const [, jwt, issuedAtMs] = list(stored)
    return { jwt: text(jwt), issuedAtMs: number(issuedAtMs) }
  },
}

export class LmdbProviderTokenStore implements ProviderTokenStore {
  readonly #environment: Environment
  readonly #tokens: Table<ProviderToken>

  constructor(environment: Environment) {
    this.#environment = environment
    this.#tokens = environment.table('provider_tokens', tokenCodec, 0)
  }

  get(teamId: string, keyId: string): ProviderToken | undefined {
    return this.#tokens.get(keyOf(teamId, keyId))
  }

  put(teamId: string, keyId: string, token: ProviderToken): Promise<void> {
    return this.#environment.queue.write(() => this.#tokens.set(keyOf(teamId, keyId), token))
  }
}

function keyOf(teamId: string, keyId: string): string {
  return keyPart(teamId) + separator + keyPart(keyId)
}
