/**
 * The load of the served API, part of a rig: autocannon over HTTP/1.1, or h2load over HTTP/1.1 or HTTP/2. One request is
 * one push. The window is what is unanswered, over all connections.
 */
import autocannon from 'autocannon'
import { runH2load } from './h2load.ts'
import type { ServedSourceSettings, SourceCommand, SourceReport, SourceRound } from './reports.ts'
import { pushBody, pushPaths } from './served-pushes.ts'

const settings: ServedSourceSettings = JSON.parse(process.argv[2] ?? '{}')

async function runAutocannon(command: SourceCommand): Promise<Omit<SourceRound, 'kind' | 'cpuUs'>> {
  const { port, push } = settings
  const { window, rate, seconds } = command
  const body = pushBody(push)
  const result = await autocannon({
    url: `https://127.0.0.1:${port}`,
    connections: window,
    duration: seconds,
    ...(rate === undefined ? {} : { overallRate: rate }),
    // Each connection writes all of them out before its first: a few will do.
    requests: pushPaths.slice(0, 16).map((path) => ({
      method: 'POST' as const,
      path,
      headers: { 'content-type': 'application/json' },
      body,
    })),
  })
  const { p50, p90, p99, p99_9: p999, max } = result.latency
  const answers = result.requests.total
  return {
    seconds: result.duration,
    answers,
    allAnswers: answers,
    latencyMs: { p50, p90, p99, p999, max },
    sendDelayMs: undefined,
    errors: push === 'invalid' ? answers - result['4xx'] : result.non2xx,
    lost: result.errors + result.timeouts,
  }
}

function report(message: SourceReport): void {
  // The runner may be gone first: then nobody wants to know.
  process.send?.(message, () => undefined)
}

process.on('message', async (command: SourceCommand) => {
  const cpu = process.cpuUsage()
  const round = await (settings.client === 'autocannon'
    ? runAutocannon(command)
    : runH2load(settings, command))
  const { user, system } = process.cpuUsage(cpu)
  report({ kind: 'round', ...round, cpuUs: user + system })
})
process.on('disconnect', () => process.exit())
