import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { StoreError, type StoreErrorCode } from './store-error.ts'

/** What the process says, a line each: what it comes to, before it does. */
export type CheckLine =
  | { readonly reading: string }
  | { readonly fault: string }
  | { readonly refused: { readonly code: StoreErrorCode; readonly message: string } }

/** Its exit code when LMDB reads nothing more, since it met a damaged page. */
export const brokenOff = 3

/** TypeScript beside this source, JavaScript beside its build. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './check-process.ts' : './check-process.js', import.meta.url),
)

/**
 * Reads everything in the store of a data directory, beside the daemon that works on it or without one; what is wrong,
 * each in one line. Over a damaged page lmdb reads nothing more, or ends the process (an assertion): another process
 * reads the tables behind.
 * @throws StoreError when it cannot be opened
 */
export async function checkStore(dataDir: string): Promise<string[]> {
  const faults: string[] = []
  const done: string[] = []
  for (;;) {
    const { lines, code, signal } = await run(dataDir, done)
    for (const line of lines) {
      if ('refused' in line) throw new StoreError(line.refused.code, line.refused.message)
      if ('reading' in line) done.push(line.reading)
      else faults.push(line.fault)
    }
    if (code === 0) return faults
    if (signal !== null) faults.push(`${done.at(-1) ?? 'all'}: has a damaged page (LMDB ends with ${signal})`)
    if (lines.length === 0) return faults
  }
}

async function run(dataDir: string, leftOut: readonly string[]) {
  // What lmdb and the system say of its end is said here.
  const child = spawn(process.execPath, [program, dataDir, ...leftOut], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>
  const output = await text(child.stdout)
  const [code, signal] = await exited
  if (signal === null && code !== 0 && code !== brokenOff) throw new Error(`${program} ended with ${code}`)
  const lines = output.split('\n').filter((line) => line !== '')
  return { lines: lines.map((line) => JSON.parse(line) as CheckLine), code, signal }
}
