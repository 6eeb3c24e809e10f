// The little of @xmpp/client that the tests use: it comes without types.
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events'

  export interface Stanza {
    readonly name: string
    readonly attrs: Readonly<Record<string, string | undefined>>
    getChild(name: string, xmlns?: string): Stanza | undefined
    getChildren(name: string, xmlns?: string): Stanza[]
    getChildElements(): Stanza[]
    getChildText(name: string, xmlns?: string): string | null
    getText(): string
    toString(): string
  }

  export interface Client extends EventEmitter {
    start(): Promise<{ toString(): string }>
    stop(): Promise<unknown>
    write(xml: string): Promise<void>
    readonly reconnect: { stop(): void }
    readonly streamManagement: { readonly enabled: boolean }
    readonly socket: { destroy(): void } | null
  }

  /** Logs in: calls `authenticate` with the name of a SASL mechanism. */
  export type Credentials = (
    authenticate: (account: { username: string; password: string }, mechanism: string) => Promise<void>,
  ) => Promise<void>

  export function client(options: {
    service: string
    domain: string
    username: string
    credentials: Credentials
    resource: string
  }): Client
}
