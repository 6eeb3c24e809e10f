/** What the sandboxes' commands have in common: their options, their exit codes, and when they end. */
import { readFileSync } from 'node:fs'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

export const usageExitCode = 78
const unavailableExitCode = 75

export const listening = {
  host: { type: 'string', default: '127.0.0.1' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsOptionsConfig

export type Values = Readonly<Record<string, unknown>>

/** The options' values, or the exit code when there is nothing to run. */
export function parse(
  args: readonly string[],
  help: string,
  options: ParseArgsOptionsConfig,
): Values | number {
  let values: Values
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    return misuse(error instanceof Error ? error.message : String(error))
  }
  if (values.help === true) {
    console.log(help)
    return 0
  }
  for (const name of ['port', 'oauth-port', 'latency-ms']) {
    const value = values[name]
    if (value !== undefined && !/^\d{1,5}$/.test(String(value))) return misuse(`--${name} is a whole number`)
  }
  if ((values['tls-cert'] === undefined) !== (values['tls-key'] === undefined)) {
    return misuse('--tls-cert and --tls-key go together')
  }
  return values
}

export function misuse(text: string): number {
  console.error(`xmpp-pushd sandbox: ${text}`)
  return usageExitCode
}

export function readTls(values: Values): { cert: string; key: string } | undefined {
  const { 'tls-cert': cert, 'tls-key': key } = values
  if (typeof cert !== 'string' || typeof key !== 'string') return undefined
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

/** A taken port or a missing file is told in one sentence, without a stack. */
export async function run(sandbox: () => Promise<void>): Promise<number> {
  try {
    await sandbox()
    return 0
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    console.error(`xmpp-pushd sandbox: ${error.message}`)
    return unavailableExitCode
  }
}

export function interruption(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  return promise
}
