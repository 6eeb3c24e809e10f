import { generateKeyPairSync } from 'node:crypto'
import { readServiceAccount } from '../../../../src/core/fcm/service-account.ts'
import type { ProviderTarget } from '../../../../src/core/gateway/provider-target.ts'
import type { Notification } from '../../../../src/core/notification.ts'
import type { Dispatcher } from '../../../../src/main/dispatch/dispatcher.ts'
import type { DispatchOptions } from '../../../../src/main/dispatch/options.ts'
import type { ApnsGatewayPool, FcmGatewayPool } from '../../../../src/main/gateway/provider-pool.ts'
import type { ApnsSandbox } from '../../../../src/sandbox/providers/apns.ts'
import type { FcmSandbox } from '../../../../src/sandbox/providers/fcm.ts'
import { ask } from '../../../sandbox/providers/token-client.ts'
import { apnsProviderToken, assertion } from '../../../sandbox/providers/tokens.ts'
import { poolTarget } from '../../../worker/http2/pool-at-work.ts'
import { type DispatcherAtWork, dispatcherAtWork } from '../dispatcher-at-work.ts'
import { notificationTo } from '../notifications.ts'

/** Its keys are nobody's: tokens are given by hand. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

type PoolChange<Pool> = Partial<Omit<Pool, 'target'>> & { readonly target?: Partial<ProviderTarget> }

export function apnsPool(
  sandbox: ApnsSandbox,
  { target, ...change }: PoolChange<ApnsGatewayPool> = {},
): ApnsGatewayPool {
  return {
    service: 'apns',
    mode: '',
    tags: [],
    label: `apns ${sandbox.port}`,
    defaultTopic: 'com.example.app',
    key: { apnsKey: { keyId: 'SANDBOXKEY', teamId: 'SANDBOXTEA' }, privateKey },
    ...change,
    target: targetOf(sandbox, target),
  }
}

export function fcmPool(
  sandbox: FcmSandbox,
  { target, ...change }: PoolChange<FcmGatewayPool> = {},
): FcmGatewayPool {
  const account = readServiceAccount(JSON.stringify(sandbox.account))
  if (typeof account === 'string') throw new Error(account)
  return {
    service: 'fcm',
    mode: '',
    tags: [],
    label: `fcm ${sandbox.port}`,
    projectId: sandbox.project,
    compat: true,
    account,
    privateKey,
    ...change,
    target: targetOf(sandbox, target),
  }
}

function targetOf(
  { url, ca }: { url: string; ca: string | undefined },
  change: Partial<ProviderTarget> = {},
): ProviderTarget {
  return poolTarget({ origin: url, requestTimeoutMs: 2_000, tls: { ca, identity: undefined }, ...change })
}

/** A dispatcher that sends to these pools alone. */
export function directly(
  pools: DispatchOptions['pools'],
  options: Partial<Parameters<typeof dispatcherAtWork>[0]> = {},
): Promise<DispatcherAtWork> {
  return dispatcherAtWork({ urls: [], direct: true, pools, replyDeadlineMs: 20_000, ...options })
}

const headers = new WeakMap<ApnsSandbox, string>()

/** The header that the sandbox takes: always the same, since it takes no new one within 20 minutes. */
export function apnsHeader(sandbox: ApnsSandbox): string {
  const header = headers.get(sandbox) ?? `bearer ${apnsProviderToken(sandbox.keys[0])}`
  headers.set(sandbox, header)
  return header
}

export function authorizeApns(dispatcher: Dispatcher, pool: number, sandbox: ApnsSandbox): void {
  dispatcher.authorize(pool, { header: apnsHeader(sandbox), owner: 'SANDBOXTEA' })
}

export async function authorizeFcm(dispatcher: Dispatcher, pool: number, sandbox: FcmSandbox): Promise<void> {
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: assertion(sandbox.account),
  }
  const { body } = await ask(sandbox, form)
  dispatcher.authorize(pool, { header: `Bearer ${body.access_token}`, owner: sandbox.account.client_email })
}

/** One pool at this sandbox, with a token that it takes. */
export async function withApns(
  sandbox: ApnsSandbox,
  options: Partial<Parameters<typeof dispatcherAtWork>[0]> = {},
  change: PoolChange<ApnsGatewayPool> = {},
): Promise<DispatcherAtWork> {
  const at = await directly([apnsPool(sandbox, change)], options)
  authorizeApns(at.dispatcher, 0, sandbox)
  return at
}

export async function withFcm(
  sandbox: FcmSandbox,
  options: Partial<Parameters<typeof dispatcherAtWork>[0]> = {},
  change: PoolChange<FcmGatewayPool> = {},
): Promise<DispatcherAtWork> {
  const at = await directly([fcmPool(sandbox, change)], options)
  await authorizeFcm(at.dispatcher, 0, sandbox)
  return at
}

export function toApns(id: string, change: Partial<Notification> = {}): Notification {
  return { ...notificationTo(id, { service: 'apns' }), ...change }
}

export function toFcm(id: string, change: Partial<Notification> = {}): Notification {
  return { ...notificationTo(id, { service: 'fcm' }), ...change }
}
