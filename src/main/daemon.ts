/**
 * The running daemon: what it is made of, in which order that starts, and how it stops.
 *
 * Start: store, workers, HTTP, the served API. The streams are there before (`startDaemon`), or handed over last; what they
 * bring before the workers are there waits for them.
 * Stop is the reverse but for the streams: they are no longer read at once, and closed last, so that everything
 * under way is still answered. `retire` stops all but the streams, for a successor that goes on with them.
 *
 * It is over 300 lines: all parts are put together in one place.
 */
import type { Server } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Logger } from 'pino'
import type { Notification } from '../core/notification.ts'
import { parseAddress } from './address.ts'
import type { Config } from './config/config.ts'
import type { Reload } from './config/reload.ts'
import { providerDesk } from './credentials-desk.ts'
import { Dispatcher } from './dispatch/dispatcher.ts'
import type { DeadDeviceFound } from './dispatch/judge.ts'
import { Exchange } from './exchange.ts'
import type { FirstParts } from './first-parts.ts'
import type { ProviderDesk } from './gateway/provider-desk.ts'
import { gatewayPools, ownCertificates } from './gateway-pools.ts'
import { type ListenerName, listenerNames } from './handover/message.ts'
import type { Restarts } from './handover/restarts.ts'
import { HeldMessages } from './held-messages.ts'
import type { ListenHandle } from './http/listening.ts'
import type { HttpPorts } from './http/ports.ts'
import type { HttpServer } from './http/server.ts'
import { httpPorts } from './http-ports.ts'
import { httpTokenOf } from './http-token.ts'
import type { Metrics } from './metrics/table.ts'
import { appServerOptions, dispatchOptions, xmppServerOptions } from './part-options.ts'
import { discard, type Prepared } from './prepare.ts'
import { risingClock } from './rising-clock.ts'
import { AppServer } from './roles/app-server/app-server.ts'
import type { Decider } from './roles/xmpp-server/plugin-decision.ts'
import { XmppServer } from './roles/xmpp-server/xmpp-server.ts'
import type { Secret } from './secret.ts'
import type { ServedApi } from './served-api/served-api.ts'
import { servedApi, servedCertificate } from './served-parts.ts'
import type { StartPhases } from './start-phases.ts'
import type { DataDirectory } from './store/data-directory.ts'
import { type Environment, openEnvironment } from './store/environment.ts'
import { LmdbJournal } from './store/journal.ts'
import { LmdbProviderTokenStore } from './store/provider-tokens.ts'
import { LmdbPublishStore } from './store/publishes.ts'
import { Stores } from './stores.ts'
import { version } from './version.ts'
import type { Vitals } from './watchdog.ts'
import type { ComponentDomain } from './xmpp/component-domain.ts'
import type { HandedOverStream, NextOwner } from './xmpp/component-stream.ts'

/** What a daemon goes on with, of an earlier one. */
export interface HandedOver {
  /** Sockets that listen already, where the earlier one listened at the same address. */
  readonly listeners: Readonly<Partial<Record<ListenerName, ListenHandle>>>
  /** Streams that are up: asked for when all else is ready for them. */
  readonly streams: () => Promise<readonly PlacedStream[]>
}

/** At this place among the domain's streams. */
export interface PlacedStream extends HandedOverStream {
  readonly domain: string
  readonly slot: number
}

/** Of `handover_ms`, how long a stanza that has begun to come may take. */
const haltShare = 0.25
/** After all is settled, how long a client of HTTP may take to read its answer. */
const lastAnswersMs = 200

export class Daemon {
  readonly #log: Logger
  readonly #environment: Environment
  readonly #plugin: Decider
  readonly #stores: Stores
  readonly #appServer: AppServer
  readonly #xmppServer: XmppServer
  readonly #dispatcher: Dispatcher
  readonly #desk: ProviderDesk
  readonly #exchange: Exchange
  readonly #domains: ReadonlyMap<string, ComponentDomain>
  readonly #httpPorts: HttpPorts
  /** Undefined: it does not listen yet. */
  #http: HttpServer | undefined
  readonly #heldMessages = new HeldMessages(
    (domain) => (this.#domains.get(domain)?.streamsUp ?? 0) > 0,
    (domain, stanza) => void this.#domains.get(domain)?.send(stanza),
  )
  /** Undefined: the gateway's API is not served. */
  readonly #servedApi: ServedApi | undefined
  readonly metrics: Metrics
  readonly #phases: StartPhases
  #config: Config
  #stopping = false
  #httpAddress = ''
  /** Undefined: there is none to be had, and /v1 and /admin are closed. */
  #httpToken: Secret | undefined

  /**
   * Owns the parts from now on: they end with it, also when it does not start.
   * @throws StoreError, and whatever keeps the HTTP listener or the workers from starting.
   */
  static async start(
    parts: FirstParts,
    directory: DataDirectory,
    prepared: Prepared,
    restarts: Restarts,
    handedOver?: HandedOver,
  ): Promise<Daemon> {
    const { log, domains } = parts
    let environment: Environment
    try {
      environment = await openEnvironment({ directory, log })
    } catch (error) {
      await Promise.all([discard(prepared), ...[...domains.values()].map((domain) => domain.close())])
      throw error
    }
    parts.phases.ended('store')
    const daemon = new Daemon(parts, environment, prepared, restarts)
    try {
      await daemon.#start(handedOver)
      return daemon
    } catch (error) {
      await daemon.stop()
      throw error
    }
  }

  private constructor(
    { config, log, phases, metrics, domains }: FirstParts,
    environment: Environment,
    { plugin, threads }: Prepared,
    restarts: Restarts,
  ) {
    this.#config = config
    this.#phases = phases
    this.#log = log
    this.#environment = environment
    this.#plugin = plugin
    const appServer = appServerOptions(config, version)
    const dispatch = dispatchOptions(config, () => this.#config)
    this.metrics = metrics
    this.#domains = domains
    metrics.pendingLimit.child().set(config.queue.max_pending)
    this.#stores = new Stores(environment, config, appServer.domains.length, metrics, log)
    const { nodes, deadDevices, letters, outbox, subscriptions } = this.#stores

    this.#appServer = new AppServer(appServer, {
      nodes,
      deadDevices,
      metrics,
      log,
      // Of two publishes to one device the later is known, however close they are.
      nowMs: risingClock(Date.now),
      accountGone: (account, domain) => void this.#xmppServer.accountGone(account, domain),
    })
    this.#dispatcher = new Dispatcher(dispatch, {
      nowMs: Date.now,
      monotonicMs: () => performance.now(),
      random: Math.random,
      log,
      metrics,
      threads,
      deadDevices,
      outbox,
      journal: new LmdbJournal(environment, Date.now),
      onDeadDevice: (notification, found) => void this.#deviceDied(notification, found),
      registeredAtMs: ({ domain, node, enabledAtMs }) => nodes.get(domain, node)?.createdAtMs ?? enabledAtMs,
      tokenRefused: (pool, header) => this.#desk.refused(pool, header),
      holdReading: (name, held) => {
        const domain = this.#domains.get(name)
        if (held) {
          domain?.pauseReading()
          this.#xmppServer.holdBack(name)
        } else this.#xmppServer.release(name, () => domain?.resumeReading())
      },
    })
    const tokens = new LmdbProviderTokenStore(environment)
    this.#desk = providerDesk(config, this.#dispatcher, tokens, metrics, log)
    this.#xmppServer = new XmppServer(xmppServerOptions(config), {
      subscriptions,
      publishes: new LmdbPublishStore(environment, Date.now),
      deadDevices,
      plugin,
      metrics,
      log,
      nowMs: Date.now,
      monotonicMs: () => performance.now(),
      random: Math.random,
      isVirtual: (domain) => this.#appServer.isVirtual(domain),
      publishHere: (input, from, sink) => this.#exchange.publish(input, from, sink),
      hasRoom: (domain) => this.#dispatcher.hasRoom(domain),
      hasStream: (domain) => (this.#domains.get(domain)?.streamsUp ?? 0) > 0,
      send: (domain, stanza) => this.#domains.get(domain)?.send(stanza) === true,
    })
    this.#exchange = new Exchange({
      appServer: this.#appServer,
      xmppServer: this.#xmppServer,
      dispatcher: this.#dispatcher,
      metrics,
      monotonicMs: () => performance.now(),
    })
    this.#servedApi = servedApi(config, () => this.#config, dispatch, {
      dispatcher: this.#dispatcher,
      desk: this.#desk,
      metrics,
      log,
    })
    this.#httpPorts = {
      version,
      metrics,
      log,
      nowMs: Date.now,
      ...httpPorts({
        config: () => this.#config,
        stopping: () => this.#stopping,
        httpToken: () => this.#httpToken,
        storeFault: () => environment.fault,
        nodes,
        deadDevices,
        letters,
        dispatcher: this.#dispatcher,
        desk: this.#desk,
        exchange: this.#exchange,
        xmppServer: this.#xmppServer,
        subscriptions,
        domains,
        servedAddress: () => this.servedAddress,
        restarts,
      }),
    }
  }

  async #start(handedOver: HandedOver | undefined): Promise<void> {
    for (const domain of this.#domains.values()) {
      domain.handleBy((name, stanza, answerTo) => this.#exchange.handle(name, stanza, answerTo))
    }
    this.#desk.start()
    await this.#dispatcher.start()
    this.#phases.ended('workers')
    this.#xmppServer.start()
    this.#httpToken = httpTokenOf(this.#config, this.#log)
    const { listeners = {}, streams } = handedOver ?? {}
    for (const name of listenerNames) if (listeners[name] === undefined) await this.#listen(name)
    if (streams !== undefined) this.#goOnWith(await streams())
    for (const name of listenerNames)
      if (listeners[name] !== undefined) await this.#listen(name, listeners[name])
    this.#stores.start()
    this.#phases.ended('ready')
  }

  async #listen(name: ListenerName, handedOver?: ListenHandle): Promise<void> {
    const address = parseAddress(this.#config[name].listen)
    if (name === 'gateway') {
      if (address !== undefined)
        await this.#servedApi?.listen(address, servedCertificate(this.#config), handedOver)
      return
    }
    if (address === undefined) throw new Error(`no address: ${this.#config.http.listen}`)
    // Loaded last: the framework takes as long to load as all that streams need.
    const { HttpServer } = await import('./http/server.ts')
    this.#http = new HttpServer(this.#httpPorts)
    this.#httpAddress = await this.#http.listen(address, handedOver)
  }

  /** Streams of domains or places that are no longer there are given to nobody: their sockets are closed. */
  #goOnWith(streams: readonly PlacedStream[]): void {
    for (const [name, domain] of this.#domains) {
      const own = streams.filter((stream) => stream.domain === name)
      domain.start(new Map(own.map((stream) => [stream.slot, stream])))
    }
  }

  /** Takes over what a reread configuration may change. */
  reconfigure(reload: Reload): void {
    this.#config = reload.config
    this.#log.level = reload.config.log.level
    this.#httpToken = httpTokenOf(reload.config, this.#log)
    const options = appServerOptions(reload.config, version)
    this.#appServer.reconfigure(options)
    for (const [name, domain] of this.#domains) domain.scope = options.servers.scopeOf(name)
    this.#desk.renew(gatewayPools(reload.config), ownCertificates(reload.config))
    const certificate = servedCertificate(reload.config)
    if (certificate !== undefined) this.#servedApi?.renew(certificate)
    this.#xmppServer.reconfigure(xmppServerOptions(reload.config))
    this.#stores.reconfigure(reload.config)
  }

  /** Where the gateway's API is served; undefined: nowhere. */
  get servedAddress(): string | undefined {
    return this.#servedApi?.address
  }

  /** Where the HTTP server listens. */
  get httpAddress(): string {
    return this.#httpAddress
  }

  /** Notifications accepted and not settled. */
  get pending(): number {
    return this.#dispatcher.pending
  }

  get config(): Config {
    return this.#config
  }

  /** What shows that it can still work. */
  get vitals(): Vitals {
    return {
      workersUp: this.#dispatcher.state().workers.filter(({ up }) => up).length,
      commitAtDisk: this.#environment.queue.commitAtDisk,
    }
  }

  /** How it is, in one line for people. */
  get summary(): string {
    const connected = [...this.#domains.values()].filter(({ streamsUp }) => streamsUp > 0).length
    const { gatewayDown, pending } = this.#dispatcher.state()
    const gateway = gatewayDown ? 'gateway down' : 'gateway in use'
    return `${connected} of ${this.#domains.size} domains connected, ${gateway}, ${pending} pending`
  }

  /** Resolves when everything under way is answered, or `drain_timeout_ms` is over, and all is closed. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const domain of this.#domains.values()) domain.stopReading()
    this.#servedApi?.drain()
    await this.#xmppServer.decided()
    await this.#plugin.stop()
    await Promise.all([this.#xmppServer.stop(), this.#dispatcher.stop(this.#config.drain_timeout_ms)])
    await this.#desk.stop()
    await this.#exchange.storeAnswered()
    await Promise.all([this.#servedApi?.close(), this.#http?.close()])
    this.#heldMessages.stop()
    await Promise.all([...this.#domains.values()].map((domain) => domain.close()))
    await this.#stores.stop()
    await this.#environment.close()
  }

  /**
   * Ends all but the streams: what is under way is answered, or stored, within `handover_ms`; then the store is free for
   * another process. The streams are no longer read, each from the end of a stanza on; those of the domains in `replaced`, where
   * the other process has streams of its own, are closed at once. `give`: passes a listening socket on, for
   * each that listens; later connections wait for the process that it was given to.
   */
  async retire(
    replaced: ReadonlySet<string>,
    give: (name: ListenerName, server: Server) => Promise<void>,
  ): Promise<void> {
    const { handover_ms: withinMs } = this.#config
    this.#stopping = true
    const halted = Promise.all(
      [...this.#domains].map(([name, domain]) =>
        replaced.has(name) ? domain.close() : domain.halt(withinMs * haltShare),
      ),
    )
    await this.#http?.handOver((server) => give('http', server))
    await this.#servedApi?.handOver((server) => give('gateway', server))
    this.#http?.drain()
    this.#servedApi?.drain()
    await halted
    await this.#xmppServer.decided()
    await this.#plugin.stop()
    await Promise.all([this.#xmppServer.stop(), this.#dispatcher.stop(withinMs, true)])
    await this.#desk.stop()
    await this.#exchange.storeAnswered()
    await Promise.all([this.#servedApi?.close(lastAnswersMs), this.#http?.close(lastAnswersMs)])
    this.#heldMessages.stop()
    await this.#stores.stop()
    await this.#environment.close()
  }

  /**
   * The streams of a retired daemon that can go on, in another process or in this one, one after the other. Who takes one for
   * another process must send its socket there and destroy it before the next is asked for. `isWanted`: by its domain and its
   * place there.
   */
  *streamsToGoOn(
    where: NextOwner,
    isWanted: (domain: string, slot: number) => boolean = () => true,
  ): Generator<PlacedStream> {
    for (const [name, domain] of this.#domains) {
      for (const { stream: slot } of domain.state()) {
        const handedOverStream = isWanted(name, slot) ? domain.detach(slot, where) : undefined
        if (handedOverStream !== undefined) yield { ...handedOverStream, domain: name, slot }
      }
    }
  }

  /** Those that are up: of a retired daemon, those that nobody goes on with. */
  streamsUp(): { readonly domain: string; readonly stream: number }[] {
    return [...this.#domains].flatMap(([domain, { placesUp }]) =>
      placesUp.map((stream) => ({ domain, stream })),
    )
  }

  /** Ends the streams of a retired daemon that nobody goes on with. */
  async closeStreams(): Promise<void> {
    await Promise.all([...this.#domains.values()].map((domain) => domain.close()))
  }

  async #deviceDied(notification: Notification, found: DeadDeviceFound): Promise<void> {
    const reason = found.by === 'provider' ? 'dead_device' : 'suspect_limit'
    if (!found.late) return this.#appServer.forgetRegistration(notification, reason)
    for (const message of await this.#appServer.deviceDied(notification, reason)) {
      this.#heldMessages.send(notification.domain, message)
    }
  }
}
