import { bareJid, domainOfBare, hasResource, hostKey, normalDomain } from '../../../core/jid.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { Tally } from '../../metrics/tally.ts'
import type { NodeAffiliation } from '../../store/node-ports.ts'
import { itemsShape, renderDomainInfo } from './disco.ts'
import type { ListShape } from './list-page.ts'
import type { AppServerDomain } from './options.ts'
import type { DropReason } from './verdict.ts'

/** One domain as its stanzas need it: looked up once per stanza, everything in it made beforehand. */
export class Domain {
  readonly name: string
  readonly pubsub: boolean
  readonly virtual: boolean
  readonly tags: readonly string[]
  /** The answer's payload to disco#info. */
  readonly info: string
  /** How a list of its nodes is written. */
  readonly items: ListShape<NodeAffiliation>
  readonly tagsIgnored: Tally
  readonly fieldsIgnored: Tally
  readonly textsCut: Tally
  readonly dropped: Readonly<Record<DropReason, Tally>>
  readonly #anybody: boolean
  /** The XMPP domains whose users may own nodes; undefined: all. */
  readonly #nodeOwners: ReadonlySet<string> | undefined
  /** Whose servers may publish; undefined: any server. */
  readonly #publishers: ReadonlySet<string> | undefined

  constructor(options: AppServerDomain, metrics: Metrics) {
    const { domain, publishers, nodeOwners } = options
    this.name = domain
    this.pubsub = options.pubsub
    this.virtual = options.virtual
    this.tags = options.tags
    this.info = renderDomainInfo(options.pubsub, options.virtual)
    this.items = itemsShape(domain)
    this.tagsIgnored = metrics.tagsIgnored.child(domain)
    this.fieldsIgnored = metrics.limitsHit.child('summary_fields')
    this.textsCut = metrics.limitsHit.child('push_text')
    this.dropped = {
      'iq-response': metrics.stanzasDropped.child(domain, 'iq-response'),
      message: metrics.stanzasDropped.child(domain, 'message'),
      presence: metrics.stanzasDropped.child(domain, 'presence'),
      unaddressed: metrics.stanzasDropped.child(domain, 'unaddressed'),
    }
    this.#nodeOwners =
      nodeOwners === 'any' ? undefined : new Set(nodeOwners.map((host) => hostKey(normalDomain(host))))
    this.#anybody = publishers === 'any'
    this.#publishers = typeof publishers === 'string' ? undefined : new Set(publishers.map(normalDomain))
  }

  /** Whether the configuration lets this bare JID make push nodes, and be given them. */
  mayOwnNodes(bare: string): boolean {
    return this.#nodeOwners?.has(hostKey(domainOfBare(bare))) ?? true
  }

  /**
   * Whether the configuration lets this address publish. Only a client's requests come from a full JID, so
   * an address without a resource is a server's: its own or, acting for a user, the user's bare one.
   */
  admits(from: string): boolean {
    if (this.#anybody) return true
    if (hasResource(from)) return false
    if (this.#publishers === undefined) return true
    const bare = bareJid(from)
    return bare !== undefined && this.#publishers.has(hostKey(domainOfBare(bare)))
  }
}

/** The domains by their names. */
export class Domains {
  readonly #byName: ReadonlyMap<string, Domain>

  constructor(options: readonly AppServerDomain[], metrics: Metrics) {
    const domains = options.map((domain) => new Domain(domain, metrics))
    this.#byName = new Map([
      ...domains.map((domain) => [normalDomain(domain.name), domain] as const),
      ...domains.map((domain) => [domain.name, domain] as const),
    ])
  }

  /** By a name in normal form, in either spelling. */
  get(name: string): Domain | undefined {
    return this.#byName.get(name) ?? this.#byName.get(hostKey(name))
  }
}
