/** `xmpp-pushd sandbox gateway|xmpp|apns|fcm`: the sandboxes by hand. */
import { createInterface } from 'node:readline'
import { interruption, listening, misuse, parse, readTls, run, usageExitCode } from './command.ts'
import { startGatewaySandbox } from './gateway.ts'
import type { SandboxAnswer, SandboxRequest } from './gateway-answers.ts'
import { paintFor } from './paint.ts'
import { apnsHelp, fcmHelp, runSandboxApns, runSandboxFcm } from './providers/cli.ts'
import { PublishDesk, publishDeskHelp } from './publish-desk.ts'
import { startXmppSandbox } from './xmpp-server.ts'

const gatewayHelp = `Usage: xmpp-pushd sandbox gateway [--port 8080] [--host 127.0.0.1] [--tls-cert FILE --tls-key FILE]
                                  [--latency-ms 0] [--path-prefix /] [--quiet]

A stand-in for MongoosePush (v1, v2, v3): as strict about requests, without providers. Answers by device id:
  gone-…      410 unregistered            down-…       503 service_internal
  bad-…       400 invalid_request         config-…     503 internal_config
  nopool-…    400 no_matching_pool        hang-…       never
  large-…     413 payload_too_large       reset-…      cuts the connection
  throttled-… 429, Retry-After: 1         garbage-…    502 that is no JSON
  slow250-…   200 after 250 ms            all others   200 null`

const xmppHelp = `Usage: xmpp-pushd sandbox xmpp --domain DOMAIN --secret SECRET [--port 5347] [--host 127.0.0.1]
                               [--unix PATH] [--tls-cert FILE --tls-key FILE]
                               [--second-stream balance|conflict] [--server example.test]

The XMPP server's end of a component stream (XEP-0114). Reads commands, one a line:
${publishDeskHelp}`

/** Runs one of the sandboxes until it is interrupted; the exit code. */
export function runSandbox(args: readonly string[]): Promise<number> {
  const [kind, ...rest] = args
  if (kind === 'gateway') return runSandboxGateway(rest)
  if (kind === 'xmpp') return runSandboxXmpp(rest)
  if (kind === 'apns') return runSandboxApns(rest)
  if (kind === 'fcm') return runSandboxFcm(rest)
  console.error([gatewayHelp, xmppHelp, apnsHelp, fcmHelp].join('\n\n'))
  return Promise.resolve(kind === '--help' || kind === '-h' ? 0 : usageExitCode)
}

export async function runSandboxGateway(args: readonly string[]): Promise<number> {
  const values = parse(args, gatewayHelp, {
    ...listening,
    port: { type: 'string', default: '8080' },
    'latency-ms': { type: 'string', default: '0' },
    'path-prefix': { type: 'string', default: '/' },
    quiet: { type: 'boolean', default: false },
  })
  if (typeof values === 'number') return values
  const paint = paintFor(process.stdout.isTTY && !process.env.NO_COLOR)
  const show = (request: SandboxRequest, { status }: SandboxAnswer) => {
    const time = new Date(request.receivedAtMs).toISOString().slice(11, 23)
    const answer = paint(String(status), 'bold', status === 200 ? 'green' : 'red')
    console.log(`${time} ${answer} ${request.path} ${JSON.stringify(request.body)}`)
  }
  return run(async () => {
    const gateway = await startGatewaySandbox({
      host: String(values.host),
      port: Number(values.port),
      tls: readTls(values),
      latencyMs: Number(values['latency-ms']),
      pathPrefix: String(values['path-prefix']),
      keep: 0,
      onRequest: values.quiet === true ? undefined : show,
    })
    console.log(`gateway sandbox on ${gateway.url}`)
    await interruption()
    console.log(`${gateway.total} requests`)
    await gateway.close()
  })
}

export async function runSandboxXmpp(args: readonly string[]): Promise<number> {
  const values = parse(args, xmppHelp, {
    ...listening,
    port: { type: 'string', default: '5347' },
    domain: { type: 'string' },
    secret: { type: 'string' },
    unix: { type: 'string' },
    'second-stream': { type: 'string', default: 'balance' },
    server: { type: 'string', default: 'example.test' },
  })
  if (typeof values === 'number') return values
  const { domain, secret } = values
  const secondStream = values['second-stream']
  if (typeof domain !== 'string' || typeof secret !== 'string')
    return misuse('--domain and --secret are needed')
  if (secondStream !== 'balance' && secondStream !== 'conflict') {
    return misuse('--second-stream is balance or conflict')
  }
  const paint = paintFor(process.stdout.isTTY && !process.env.NO_COLOR)
  const show = (direction: 'in' | 'out', xml: string) => {
    console.log(direction === 'in' ? paint(`◀ ${xml}`, 'magenta') : paint(`▶ ${xml}`, 'cyan'))
  }
  return run(async () => {
    const server = await startXmppSandbox({
      domains: { [domain]: secret },
      host: String(values.host),
      port: Number(values.port),
      unixPath: typeof values.unix === 'string' ? values.unix : undefined,
      tls: readTls(values),
      secondStream,
      keep: 0,
      onStanza: ({ direction, xml }) => show(direction, xml),
      onStreamTag: ({ direction, xml }) => show(direction, xml),
    })
    console.log(
      `XMPP sandbox for ${domain} on ${values.unix ?? `${values.host}:${server.port}`}; "help" tells more`,
    )
    const desk = new PublishDesk(server, domain, String(values.server))
    const lines = createInterface({ input: process.stdin })
    const quit = Promise.withResolvers<void>()
    lines.on('line', (line) => {
      const said = desk.take(line)
      if (said === 'quit') quit.resolve()
      else if (said !== '') console.log(said)
    })
    // The end of the input is no end: it may come from a file or be closed from the start.
    await Promise.race([interruption(), quit.promise])
    lines.close()
    process.stdin.destroy()
    await server.close()
  })
}
