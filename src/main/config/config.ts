import type { Secret } from '../secret.ts'
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

/**
 * The whole configuration: checked, complete, deeply frozen. Keys keep the names that they have in the file;
 * paths are absolute, and the files that it names are read.
 */
export type Config = DeepReadonly<Omit<ConfigFile, 'component' | 'http' | 'mongoosepush'>> & {
  readonly component: readonly ComponentConfig[]
  readonly http: DeepReadonly<ConfigFile['http']> & {
    /** What `token_file` holds; undefined: no token is asked for. */
    readonly token: Secret | undefined
  }
  readonly mongoosepush: DeepReadonly<Omit<ConfigFile['mongoosepush'], 'tls'>> & {
    readonly tls: DeepReadonly<ConfigFile['mongoosepush']['tls']> & {
      /** PEM text of `tls.ca_file`. */
      readonly ca: string | undefined
    }
  }
}
