/**
 * What a request to a push provider costs, from `SessionPool.post` to its answer: CPU of this process alone, one thread,
 * against an HTTP/2 sink in a process of its own.
 *
 * node bench/micro/provider-requests.ts [requests] [window] [connections] [rounds]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { SessionPool } from '../../src/worker/http2/session-pool.ts'

const [count = 50_000, window = 500, connections = 1, rounds = 5] = process.argv.slice(2).map(Number)

const sink = spawn(process.execPath, [fileURLToPath(new URL('http2-sink.ts', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const [line] = (await once(sink.stdout, 'data')) as [Buffer]
const { port, ca } = JSON.parse(line.toString()) as { port: number; ca: string }

let posted = 0
let answered = 0
let goal = 0
let pumping = false
let done: () => void = () => undefined

function settle(): void {
  answered++
  if (answered === goal) done()
  if (pumping) return
  pumping = true
  // As in a worker: what came in one turn is followed by as much in the next.
  setImmediate(pump)
}

const pool = new SessionPool(
  {
    origin: `https://localhost:${port}`,
    connections,
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 30_000,
    pingIntervalMs: 60_000,
    pongTimeoutMs: 10_000,
    authorized: true,
    tls: { ca, identity: undefined },
  },
  {
    delivered: settle,
    answered: (_id, { status }) => {
      throw new Error(`answered ${status}`)
    },
    failed: (_id, cause, detail) => {
      throw new Error(`${cause}: ${detail}`)
    },
  },
)
// As long as APNs's tokens are.
pool.authorize({ header: `bearer ${'x'.repeat(200)}`, owner: 'TEAM' })
const sweeping = setInterval(() => pool.sweep(performance.now()), 50)

const path = `/3/device/${'0123456789abcdef'.repeat(4)}`
const body = JSON.stringify({
  aps: { alert: { title: 'romeo@example.com', body: 'x'.repeat(100) }, badge: 1 },
})

function pump(): void {
  pumping = false
  for (; posted < goal && posted - answered < window; posted++) {
    pool.post(posted, {
      path,
      headers: {
        'content-type': 'application/json',
        'apns-id': `00000000-0000-4000-8000-${String(posted).padStart(12, '0')}`,
        'apns-push-type': 'alert',
        'apns-topic': 'com.example.app',
        'apns-priority': '10',
      },
      body,
    })
  }
}

async function run(): Promise<{ us: number; rate: number }> {
  const { promise, resolve } = Promise.withResolvers<void>()
  done = resolve
  goal += count
  const before = process.cpuUsage()
  const beganMs = performance.now()
  pump()
  await promise
  const { user, system } = process.cpuUsage(before)
  return { us: (user + system) / count, rate: count / ((performance.now() - beganMs) / 1000) }
}

console.log(`node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model}; window ${window}`)
await run()
for (let round = 0; round < rounds; round++) {
  const { us, rate } = await run()
  console.log(`${us.toFixed(1)} µs of CPU each, ${Math.round(rate)} a second`)
}
clearInterval(sweeping)
await pool.close()
sink.stdin.end()
