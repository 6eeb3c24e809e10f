import type { Config } from './config.ts'

/** The configuration as an operator may see it: the file's keys, secrets only as "[secret]". */
export function redacted(config: Config): Record<string, unknown> {
  const { token, ...http } = config.http
  const { ca, ...tls } = config.mongoosepush.tls
  return {
    ...config,
    http: { ...http, token: token?.toString() },
    component: config.component.map(({ tls_ca, secret, ...table }) => ({
      ...table,
      secret: secret.toString(),
    })),
    mongoosepush: { ...config.mongoosepush, tls },
  }
}
