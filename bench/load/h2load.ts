/** h2load, nghttp2's own load generator: HTTP/1.1 and HTTP/2 over TLS. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Latencies } from './latencies.ts'
import type { ServedSourceSettings, SourceCommand, SourceRound } from './reports.ts'
import { pushBody, pushPaths } from './served-pushes.ts'

/** It is a package of the system's (Debian: nghttp2-client). */
export function hasH2load(): boolean {
  return spawnSync('h2load', ['--version'], { stdio: 'ignore' }).status === 0
}

/** Requests on one HTTP/2 connection at a time: what goes beyond it takes more connections. */
const streamsPerConnection = 16

const run = promisify(execFile)

/** One round. Its own CPU time is not known. */
export async function runH2load(
  settings: ServedSourceSettings,
  command: SourceCommand,
): Promise<Omit<SourceRound, 'kind' | 'cpuUs'>> {
  const { client, port, push } = settings
  const isHttp2 = client === 'h2load-http2'
  const streams = isHttp2 ? Math.min(streamsPerConnection, command.window) : 1
  const directory = mkdtempSync(join(tmpdir(), 'xmpp-pushd-h2load-'))
  const [uris, body, log] = ['uris', 'body', 'log'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  try {
    writeFileSync(uris, pushPaths.map((path) => `https://127.0.0.1:${port}${path}\n`).join(''))
    writeFileSync(body, pushBody(push))
    await run('h2load', [
      ...(isHttp2 ? [] : ['--h1']),
      ...['-c', String(Math.ceil(command.window / streams)), '-m', String(streams)],
      ...['-D', String(command.seconds), '-H', 'content-type: application/json'],
      ...['-d', body, '-i', uris, '--log-file', log],
    ])
    return roundOf(readFileSync(log, 'utf8'), command.seconds, push === 'invalid' ? '422' : '200')
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** A line for each request: its start, its status (-1: none), and its duration in µs. */
function roundOf(log: string, seconds: number, expected: string): Omit<SourceRound, 'kind' | 'cpuUs'> {
  const latencies = new Latencies()
  let errors = 0
  let lost = 0
  for (const line of log.split('\n')) {
    if (line === '') continue
    const [, status = '', us = ''] = line.split('\t')
    if (status === '-1') {
      lost++
      continue
    }
    if (status !== expected) errors++
    latencies.add(Number(us) / 1000)
  }
  return {
    seconds,
    answers: latencies.count,
    allAnswers: latencies.count,
    latencyMs: latencies.summary(),
    sendDelayMs: undefined,
    errors,
    lost,
  }
}
