import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import type { XmppSandbox } from '../../src/sandbox/xmpp-sandbox.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { type Daemon, type DaemonConfig, startDaemon } from '../support/daemon.ts'

export const fullDomain = 'pubsub.chat.test'
export const virtualDomain = 'virtual.chat.test'
export const secret = 'a secret'

/** The real daemon between a scripted XMPP server and a scripted gateway. */
export interface Installation extends AsyncDisposable {
  readonly xmpp: XmppSandbox
  readonly gateway: GatewaySandbox
  readonly daemon: Daemon
  readonly config: DaemonConfig
}

export interface InstallationOptions {
  /** Merged over what the installation needs, table by table. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>> | number | string>>
  readonly latencyMs?: number
  /** What the daemon's environment has besides ours. */
  readonly env?: NodeJS.ProcessEnv
  /** More, or other things, about the PubSub-full domain. */
  readonly fullComponent?: Readonly<Record<string, unknown>>
  /** Domains of other components at the same server: silent, until one connects. */
  readonly others?: readonly string[]
}

/** One PubSub-full and one virtual domain, two streams each. */
export async function install({
  config = {},
  latencyMs = 0,
  env = {},
  fullComponent = {},
  others = [],
}: InstallationOptions = {}): Promise<Installation> {
  const domains = Object.fromEntries([fullDomain, virtualDomain, ...others].map((name) => [name, secret]))
  const xmpp = await startXmppSandbox({ domains })
  const gateway = await startGatewaySandbox({ latencyMs })
  const server = `127.0.0.1:${xmpp.port}`
  const tables: Record<string, unknown> = {
    component: [
      { domain: fullDomain, server, secret, ...fullComponent },
      { domain: virtualDomain, server, secret, pubsub: false },
    ],
    push: { served_hosts: ['chat.test'], virtual_pubsub_hosts: ['virtual.@HOST@'] },
    mongoosepush: { url: gateway.url },
  }
  for (const [name, value] of Object.entries(config)) {
    const table = tables[name]
    tables[name] = typeof value === 'object' && typeof table === 'object' ? { ...table, ...value } : value
  }
  const daemon = await startDaemon(tables, 'ready', env)
  for (const domain of [fullDomain, virtualDomain]) await xmpp.waitForStreams(domain, 2)
  return {
    xmpp,
    gateway,
    daemon,
    config: tables,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      await xmpp.close()
      await gateway.close()
    },
  }
}
