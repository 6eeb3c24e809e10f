/** `xmpp-pushd sandbox apns|fcm` */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { interruption, listening, misuse, parse, readTls, run, type Values } from '../command.ts'
import { paintFor } from '../paint.ts'
import { startApnsSandbox } from './apns.ts'
import { startFcmSandbox } from './fcm.ts'
import { ProviderDesk, providerDeskHelp } from './provider-desk.ts'
import type { ProviderAnswer, ProviderRequest } from './provider-request.ts'
import type { ProviderSandbox, ProviderSandboxOptions } from './provider-sandbox.ts'

const commonHelp = `  hang-…      never                        cut-…        the connection ends under the request
  reset-…     RST_STREAM                   refused-…    RST_STREAM: not processed
  garbage-…   502 that is no JSON          empty-…      500 without a body
  slow250-…   delivered after 250 ms       NAME2-…      so the first two times, then delivered

Reads commands, one a line:
${providerDeskHelp}`

export const apnsHelp = `Usage: xmpp-pushd sandbox apns --out DIR [--port 2197] [--host 127.0.0.1] [--tls-cert FILE --tls-key FILE]
                               [--latency-ms 0] [--quiet]

A stand-in for APNs: HTTP/2, provider tokens, as strict as Apple's. What the daemon needs to trust it goes to DIR: ca.pem
and AuthKey_SANDBOXKEY.p8. Answers by device token:
  Unregistered-…, BadDeviceToken-…, TooManyRequests-… and so on: that reason; all others: delivered
${commonHelp}`

export const fcmHelp = `Usage: xmpp-pushd sandbox fcm --out DIR [--port 8444] [--oauth-port 8445] [--host 127.0.0.1]
                              [--tls-cert FILE --tls-key FILE] [--latency-ms 0] [--quiet]

A stand-in for FCM's v1 API and its token endpoint, as strict as Google's. What the daemon needs to trust it goes to DIR:
ca.pem and service-account.json. Answers by registration token:
  UNREGISTERED-…, UNAVAILABLE-…, QUOTA_EXCEEDED-… and so on: that error; all others: delivered
  DEVICE_QUOTA-…, TOPIC_QUOTA-…, PROJECT_QUOTA-…: QUOTA_EXCEEDED, and whose quota it is
${commonHelp}`

const options = {
  ...listening,
  out: { type: 'string' },
  'latency-ms': { type: 'string', default: '0' },
  quiet: { type: 'boolean', default: false },
} as const

export async function runSandboxApns(args: readonly string[]): Promise<number> {
  const values = parse(args, apnsHelp, { ...options, port: { type: 'string', default: '2197' } })
  if (typeof values === 'number') return values
  const { out } = values
  if (typeof out !== 'string') return misuse('--out is needed')
  return run(async () => {
    const apns = await startApnsSandbox(optionsOf(values))
    const [{ keyId, teamId, key } = { keyId: '', teamId: '', key: '' }] = apns.keys
    const files = write(out, { [`AuthKey_${keyId}.p8`]: key, 'ca.pem': apns.ca })
    console.log(
      `APNs sandbox on ${apns.url}, key ${keyId} of team ${teamId}; wrote ${files}; "help" tells more`,
    )
    await serve(apns)
  })
}

export async function runSandboxFcm(args: readonly string[]): Promise<number> {
  const values = parse(args, fcmHelp, {
    ...options,
    port: { type: 'string', default: '8444' },
    'oauth-port': { type: 'string', default: '8445' },
  })
  if (typeof values === 'number') return values
  const { out } = values
  if (typeof out !== 'string') return misuse('--out is needed')
  return run(async () => {
    const fcm = await startFcmSandbox({ ...optionsOf(values), oauthPort: Number(values['oauth-port']) })
    const account = `${JSON.stringify(fcm.account, undefined, 2)}\n`
    const files = write(out, { 'service-account.json': account, 'ca.pem': fcm.ca })
    console.log(
      `FCM sandbox on ${fcm.url}, tokens from ${fcm.account.token_uri}; wrote ${files}; "help" tells more`,
    )
    await serve(fcm)
  })
}

function optionsOf(values: Values): ProviderSandboxOptions {
  return {
    host: String(values.host),
    port: Number(values.port),
    tls: readTls(values),
    latencyMs: Number(values['latency-ms']),
    keep: 0,
    onRequest: values.quiet === true ? undefined : show,
  }
}

function show({ receivedAtMs, path, deviceId, body }: ProviderRequest, { status }: ProviderAnswer): void {
  const paint = paintFor(process.stdout.isTTY && !process.env.NO_COLOR)
  const time = new Date(receivedAtMs).toISOString().slice(11, 23)
  const answer = paint(String(status), 'bold', status === 200 ? 'green' : 'red')
  // FCM's path is the same for all.
  const to = path.includes(deviceId) ? path : `${path} ${deviceId}`
  console.log(`${time} ${answer} ${to} ${JSON.stringify(body)}`)
}

/** Keys among them: for this user's eyes. */
function write(folder: string, files: Readonly<Record<string, string | undefined>>): string {
  mkdirSync(folder, { recursive: true })
  const written = Object.entries(files).flatMap(([name, text]) => {
    const file = resolve(join(folder, name))
    if (text === undefined) return []
    writeFileSync(file, text, { mode: 0o600 })
    return [file]
  })
  return written.join(', ')
}

async function serve(provider: ProviderSandbox): Promise<void> {
  const desk = new ProviderDesk(provider)
  const lines = createInterface({ input: process.stdin })
  const quit = Promise.withResolvers<void>()
  lines.on('line', async (line) => {
    const said = await desk.take(line)
    if (said === 'quit') quit.resolve()
    else if (said !== '') console.log(said)
  })
  // The end of the input is no end: it may come from a file or be closed from the start.
  await Promise.race([interruption(), quit.promise])
  lines.close()
  process.stdin.destroy()
  console.log(`${provider.total} requests`)
  await provider.close()
}
