/**
 * The load of the HTTP routes: autocannon in a process of its own, part of a rig. With a rate its latencies are
 * corrected for coordinated omission.
 */
import autocannon from 'autocannon'
import type { SourceCommand, SourceReport } from './reports.ts'
import { deviceId, digitsOf, scattered, userName } from './stanza-template.ts'

/** `publish`: a notification as the XMPP source has it. `event`: a message for a user who is offline; `events`: a list. */
export type HttpKind = 'publish' | 'event' | 'events'

const eventsPerList = 10

/** The only argument. */
export interface HttpSourceSettings {
  readonly kind: HttpKind
  readonly socketPath: string
  readonly domain: string
}

const { kind, socketPath, domain }: HttpSourceSettings = JSON.parse(process.argv[2] ?? '{}')
const server = 'example.com'
const text = 'Good night, good night! parting is such sweet sorrow '.repeat(5)
const perRequest = kind === 'events' ? eventsPerList : 1
let sequence = 0

function publish(range: number): string {
  const options = {
    service: 'fcm',
    device_id: deviceId(digitsOf(scattered(sequence++, range))),
    mode: 'prod',
  }
  const summary = {
    'message-count': 1,
    'last-message-sender': `romeo@${server}`,
    'last-message-body': text,
  }
  return JSON.stringify({ host: domain, node: 'node1', options, summary })
}

function event(range: number) {
  const to = `${userName(digitsOf(scattered(sequence, range)))}@${server}`
  return { to, from: `romeo@${server}/orchard`, type: 'chat', body: text, id: `h${sequence++}` }
}

function body(range: number): string {
  switch (kind) {
    case 'publish':
      return publish(range)
    case 'event':
      return JSON.stringify(event(range))
    case 'events':
      return JSON.stringify(Array.from({ length: perRequest }, () => event(range)))
  }
}

async function run(command: SourceCommand): Promise<void> {
  const cpu = process.cpuUsage()
  const { range, rate, seconds, window } = command
  const result = await autocannon({
    url: 'http://localhost',
    socketPath,
    connections: Math.ceil(window / perRequest),
    duration: seconds,
    ...(rate === undefined ? {} : { overallRate: rate }),
    requests: [
      {
        method: 'POST',
        path: kind === 'publish' ? '/v1/publish' : '/v1/events/message',
        headers: { 'content-type': 'application/json' },
        setupRequest: (request) => ({ ...request, body: body(range) }),
      },
    ],
  })
  const { user, system } = process.cpuUsage(cpu)
  const { p50, p90, p99, p99_9: p999, max } = result.latency
  const answers = result.requests.total * perRequest
  const errors = result.non2xx * perRequest
  report({
    kind: 'round',
    seconds: result.duration,
    answers,
    allAnswers: answers,
    latencyMs: { p50, p90, p99, p999, max },
    sendDelayMs: undefined,
    errors,
    lost: (result.errors + result.timeouts) * perRequest,
    cpuUs: user + system,
  })
}

function report(message: SourceReport): void {
  // The runner may be gone first: then nobody wants to know.
  process.send?.(message, () => undefined)
}

process.on('message', run)
process.on('disconnect', () => process.exit())
