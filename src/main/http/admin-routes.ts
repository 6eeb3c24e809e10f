import { HttpFault } from './fault.ts'
import type { HttpPorts } from './ports.ts'
import { subscriptionRoutes } from './subscription-routes.ts'

/** A request's query: each name's last value. */
export type Query = Readonly<Record<string, string | undefined>>

export interface AdminRoute {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly about: string
  /** `body`: the JSON that was posted. May be a promise. */
  readonly answer: (query: Query, body: unknown) => unknown
}

/** Dead letters in one answer, and in one request to retry. */
const standardPage = 100
const largestPage = 1_000

/** What operators can look at, and do, each as JSON. */
export function adminRoutes(ports: HttpPorts): readonly AdminRoute[] {
  const shown: Omit<AdminRoute, 'method'>[] = [
    {
      path: '/admin/streams',
      about: 'streams to the XMPP servers: state, since when, last error',
      answer: () => ports.streams(),
    },
    {
      path: '/admin/pools',
      about: 'gateways, what is wrong with their keys and certificates, and workers',
      answer: () => ports.pools(),
    },
    { path: '/admin/queue', about: 'what waits, and how much may', answer: () => ports.queue() },
    {
      path: '/admin/config',
      about: 'the configuration that runs, without secrets',
      answer: () => ports.config(),
    },
    {
      path: '/admin/process',
      about: 'this process, and its attempts to hand over to a successor',
      answer: () => ports.restartState(),
    },
    {
      path: '/admin/node',
      about: 'one push node and its last outcomes: ?domain=…&node=…',
      answer: (query) => {
        const node = ports.node(required(query, 'domain'), required(query, 'node'))
        if (node === undefined)
          throw new HttpFault(404, 'item-not-found', 'There is no such node.', { field: 'node' })
        return node
      },
    },
    {
      path: '/admin/dead-devices',
      about:
        'whether a device is remembered as dead: ?service=…&device_id=…, and &mode=… unless it has none; with &domain=…&node=… for that node',
      answer: (query) => {
        const { mode, domain, node } = query
        const device = { service: required(query, 'service'), id: required(query, 'device_id'), mode }
        return ports.deadDevice(device, domain, node)
      },
    },
    {
      path: '/admin/dead-letters',
      about:
        'acknowledged notifications that were not delivered, newest first: ?limit=…, and &before=… for more',
      answer: (query) => ports.deadLetters(pageSize(query.limit), query.before),
    },
  ]
  const routes: AdminRoute[] = [
    ...shown.map((route): AdminRoute => ({ method: 'GET', ...route })),
    {
      method: 'POST',
      path: '/admin/dead-letters/retry',
      about: 'sends what had ended once more, with its time to live anew: {"ids": ["…"]}',
      answer: (_query, body) => ports.retryDeadLetters(idsOf(body)),
    },
    {
      method: 'POST',
      path: '/admin/restart',
      about: 'starts a successor that takes the streams over: /admin/process says how it goes',
      answer: () => {
        const refusal = ports.restart()
        if (refusal !== undefined) throw new HttpFault(409, 'not-possible', sentenceOf(refusal))
        return ports.restartState()
      },
    },
    ...subscriptionRoutes(ports),
  ]
  const index = { routes: Object.fromEntries(routes.map(({ path, about }) => [path, about])) }
  return [{ method: 'GET', path: '/admin', about: 'this list', answer: () => index }, ...routes]
}

function sentenceOf(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`
}

function pageSize(given: string | undefined): number {
  if (given === undefined) return standardPage
  const size = Number(given)
  if (Number.isInteger(size) && size >= 1 && size <= largestPage) return size
  throw new HttpFault(400, 'invalid-field', `limit is a number from 1 to ${largestPage}.`, { field: 'limit' })
}

function idsOf(body: unknown): string[] {
  const ids = typeof body === 'object' && body !== null && 'ids' in body ? body.ids : undefined
  const isList = Array.isArray(ids) && ids.length <= largestPage && ids.every((id) => typeof id === 'string')
  if (isList) return ids
  throw new HttpFault(400, 'invalid-field', `ids is a list of at most ${largestPage} ids.`, { field: 'ids' })
}

function required(query: Query, name: string): string {
  const value = query[name]
  if (value !== undefined && value !== '') return value
  throw new HttpFault(400, 'invalid-field', `The query needs ${name}.`, { field: name })
}
