// The little of @xmpp/component that the tests use: it comes without types.
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events'

  export interface ComponentStanza {
    readonly attrs: Readonly<Record<string, string>>
  }

  export interface Component extends EventEmitter {
    start(): Promise<unknown>
    stop(): Promise<unknown>
    send(stanza: ComponentStanza): Promise<void>
    on(event: 'stanza', listener: (stanza: ComponentStanza) => void): this
    on(event: 'error', listener: (error: Error) => void): this
  }

  export function component(options: { service: string; domain: string; password: string }): Component
  export function xml(
    name: string,
    attrs?: Readonly<Record<string, string | undefined>>,
    ...children: ComponentStanza[]
  ): ComponentStanza
}
