import { HttpFault } from './fault.ts'
import type { HttpPorts } from './ports.ts'

/** A request's query: each name's last value. */
export type Query = Readonly<Record<string, string | undefined>>

export interface AdminRoute {
  readonly path: string
  readonly about: string
  readonly answer: (query: Query) => unknown
}

/** What operators can look at, each as JSON. */
export function adminRoutes(ports: HttpPorts): readonly AdminRoute[] {
  const routes: AdminRoute[] = [
    {
      path: '/admin/streams',
      about: 'streams to the XMPP servers: state, since when, last error',
      answer: () => ports.streams(),
    },
    { path: '/admin/pools', about: 'gateways and workers', answer: () => ports.pools() },
    { path: '/admin/queue', about: 'what waits, and how much may', answer: () => ports.queue() },
    {
      path: '/admin/config',
      about: 'the configuration that runs, without secrets',
      answer: () => ports.config(),
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
      about: 'whether a device is remembered as dead: ?service=…&device_id=…, and &mode=… unless it has none',
      answer: (query) =>
        ports.deadDevice({
          service: required(query, 'service'),
          id: required(query, 'device_id'),
          mode: query.mode,
        }),
    },
  ]
  const index = { routes: Object.fromEntries(routes.map(({ path, about }) => [path, about])) }
  return [{ path: '/admin', about: 'this list', answer: () => index }, ...routes]
}

function required(query: Query, name: string): string {
  const value = query[name]
  if (value !== undefined && value !== '') return value
  throw new HttpFault(400, 'invalid-field', `The query needs ${name}.`, { field: name })
}
