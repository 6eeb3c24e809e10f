import type { Config } from './config.ts'

/** The configuration as an operator may see it: the file's keys, secrets only as "[secret]". */
export function redacted(config: Config): Record<string, unknown> {
  const { token, ...http } = config.http
  const { ca, ...tls } = config.mongoosepush.tls
  const { gateway } = config
  return {
    ...config,
    http: { ...http, token: token?.toString() },
    component: config.component.map(({ tls_ca, secret, ...table }) => ({
      ...table,
      secret: secret.toString(),
    })),
    mongoosepush: { ...config.mongoosepush, tls },
    gateway: {
      ...gateway,
      tokens: gateway.tokens?.toString(),
      tls: without(without(gateway.tls, 'identity'), 'client_ca'),
      fcm: gateway.fcm.map(({ account, ...table }) => ({ ...table, tls: without(table.tls, 'ca') })),
      apns: gateway.apns.map(({ key, identity, ...table }) => ({ ...table, tls: without(table.tls, 'ca') })),
    },
  }
}

function without(table: object, name: string): object {
  return Object.fromEntries(Object.entries(table).filter(([key]) => key !== name))
}
