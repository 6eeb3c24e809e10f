import { pino } from 'pino'
import { takeDataDirectory } from '../../src/main/store/data-directory.ts'
import { LmdbDeadDeviceStore } from '../../src/main/store/dead-devices.ts'
import { openEnvironment } from '../../src/main/store/environment.ts'
import type { NodeRecord } from '../../src/main/store/node-ports.ts'
import { LmdbNodeStore } from '../../src/main/store/nodes.ts'
import type { Subscription } from '../../src/main/store/ports.ts'
import { LmdbSubscriptionStore } from '../../src/main/store/subscriptions.ts'
import { deviceId, digitsOf, nodeName, userName } from './stanza-template.ts'

/** How many of each a store holds before the daemon starts. */
export interface Stored {
  readonly nodes: number
  readonly subscriptions: number
  /** Other devices than those that are published to. */
  readonly deadDevices: number
}

const perCommit = 5_000
const noLimits = { perOwner: 1e9, perHost: 1e9, inAll: 1e9 }

/** Fills a store with what the sources send to. `domain`: the component's; `server`: the XMPP domain. */
export async function fillStore(
  dataDir: string,
  stored: Stored,
  domain: string,
  server: string,
): Promise<void> {
  const log = pino({ level: 'silent' })
  const environment = await openEnvironment({ directory: await takeDataDirectory(dataDir), log })
  const nodes = new LmdbNodeStore(environment, { ttlMs: 0, nowMs: Date.now, log })
  const deadDevices = new LmdbDeadDeviceStore(environment, { ttlS: 2_592_000, nowMs: Date.now })
  const subscriptions = new LmdbSubscriptionStore(environment)
  await times(stored.nodes, (digits) =>
    nodes.create(domain, nodeName(digits), nodeOf(`${userName(digits)}@${server}`, server), noLimits),
  )
  await times(stored.subscriptions, (digits) => subscriptions.put(subscriptionOf(digits, domain, server), 32))
  await times(stored.deadDevices, (digits) =>
    deadDevices.add(
      { service: 'fcm', mode: 'prod', id: `dead-${deviceId(digits)}` },
      domain,
      nodeName(digits),
      'provider',
    ),
  )
  await environment.close()
}

async function times(count: number, write: (digits: string) => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += perCommit) {
    const batch = Array.from({ length: Math.min(perCommit, count - done) }, (_, i) =>
      write(digitsOf(done + i)),
    )
    await Promise.all(batch)
  }
}

/** As MongooseIM makes one: the user's, and its server may publish. */
function nodeOf(owner: string, server: string): NodeRecord {
  return {
    owner,
    configuration: { access_model: 'whitelist', publish_model: 'publishers' },
    affiliations: { [owner]: 'owner', [server]: 'publish-only' },
    registration: undefined,
    createdAtMs: Date.now(),
    usedAtMs: Date.now(),
  }
}

function subscriptionOf(digits: string, domain: string, server: string): Subscription {
  const user = `${userName(digits)}@${server}`
  return {
    user,
    jid: domain,
    node: 'node1',
    options: [
      ['service', 'fcm'],
      ['device_id', deviceId(digits)],
      ['mode', 'prod'],
    ],
    session: `${user}/phone`,
    domain,
    enabledAtMs: Date.now(),
    usedAtMs: Date.now(),
    outage: undefined,
  }
}
