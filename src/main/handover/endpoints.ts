import type { Config } from '../config/config.ts'
import type { Endpoints } from './message.ts'

/** What of a daemon with this configuration can be handed over, and by what it is known to be the same in another one. Pure. */
export function endpointsOf({ http, gateway, component }: Config): Endpoints {
  const plain = component.filter(({ tls }) => !tls)
  return {
    listeners: { http: http.listen, ...(gateway.listen === '' ? {} : { gateway: gateway.listen }) },
    servers: Object.fromEntries(
      plain.map(({ domain, server, connections }) => [domain, { server, connections }]),
    ),
  }
}
