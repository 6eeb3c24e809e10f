import type { Config } from '../config/config.ts'
import type { Endpoints } from './message.ts'

/** Where a daemon with this configuration listens and connects to. Pure. */
export function endpointsOf({ http, gateway, component }: Config): Endpoints {
  return {
    listeners: { http: http.listen, ...(gateway.listen === '' ? {} : { gateway: gateway.listen }) },
    servers: Object.fromEntries(
      component.map(({ domain, server, connections, tls }) => [domain, { server, connections, tls }]),
    ),
  }
}
