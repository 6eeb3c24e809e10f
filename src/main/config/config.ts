import type { KeyObject } from 'node:crypto'
import type { CheckedIdentity } from '../gateway/tls-identity.ts'
import type { BearerTokens, Secret, SecretContent } from '../secret.ts'
import type { FcmAccount } from './provider-files.ts'
import type { ConfigFile } from './schema.ts'

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

type ComponentTable = ConfigFile['component'][number]

/** One `[[component]]`, with what its files hold. */
export type ComponentConfig = DeepReadonly<Omit<ComponentTable, 'secret'>> & {
  /** From `secret`, `secret_file` or the systemd credential. */
  readonly secret: Secret
  /** PEM text of `tls_ca_file`; undefined: the system's authorities. */
  readonly tls_ca: string | undefined
}

type GatewayTable = DeepReadonly<ConfigFile['gateway']>

interface PoolTls {
  readonly tls: {
    readonly ca_file: string
    /** PEM text of `tls.ca_file`. */
    readonly ca: string | undefined
  }
}

/** One `[[gateway.fcm]]`, with what its files hold. */
export type FcmPoolConfig = GatewayTable['fcm'][number] &
  PoolTls & { readonly account: SecretContent<FcmAccount> }

/** One `[[gateway.apns]]`, likewise: one of `key` and `identity` is there. */
export type ApnsPoolConfig = GatewayTable['apns'][number] &
  PoolTls & {
    /** Of `key_file`. */
    readonly key: SecretContent<KeyObject> | undefined
    /** Of `cert_file` and what goes with it. */
    readonly identity: SecretContent<CheckedIdentity> | undefined
  }

/** `[gateway]`: it is always there; `listen` is '' and there is no pool where the file has none. */
export type GatewayConfig = Omit<GatewayTable, 'tls' | 'fcm' | 'apns'> & {
  /** The tokens of `token_file`; undefined: the key is empty. */
  readonly tokens: SecretContent<BearerTokens> | undefined
  readonly tls: GatewayTable['tls'] & {
    /** Of `cert_file` and `key_file`; undefined: plain HTTP. */
    readonly identity: SecretContent<CheckedIdentity> | undefined
    /** PEM text of `client_ca_file`; undefined: clients need no certificate. */
    readonly client_ca: string | undefined
  }
  readonly fcm: readonly FcmPoolConfig[]
  readonly apns: readonly ApnsPoolConfig[]
}

/**
 * The whole configuration: checked, complete, deeply frozen. Keys keep the names that they have in the file;
 * paths are absolute, and the files that it names are read.
 */
export type Config = DeepReadonly<Omit<ConfigFile, 'component' | 'http' | 'mongoosepush' | 'gateway'>> & {
  readonly component: readonly ComponentConfig[]
  readonly http: DeepReadonly<ConfigFile['http']> & {
    /** The token of `token_file`; undefined: the key is empty, and the token is in `data_dir/http.token`. */
    readonly token: Secret | undefined
  }
  readonly mongoosepush: DeepReadonly<Omit<ConfigFile['mongoosepush'], 'tls'>> & {
    readonly tls: DeepReadonly<ConfigFile['mongoosepush']['tls']> & {
      /** PEM text of `tls.ca_file`. */
      readonly ca: string | undefined
    }
  }
  readonly gateway: GatewayConfig
}
