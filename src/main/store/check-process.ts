/**
 * Reads a store through, in a process of its own: `check-store.ts` runs it. Arguments: the data directory, and the
 * tables to leave out. Says on standard output, a line of JSON each, what it comes to before it does.
 */
import { writeSync } from 'node:fs'
import { brokenOff, type CheckLine } from './check-store.ts'
import { StoreInspection } from './inspection.ts'
import { StoreError } from './store-error.ts'

/** At once: lmdb may end this process over the next page. */
function say(line: CheckLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

const [dataDir = '', ...leftOut] = process.argv.slice(2)
try {
  const store = new StoreInspection(dataDir)
  for (const table of store.tableNames.filter((name) => !leftOut.includes(name))) {
    say({ reading: table })
    try {
      for (const fault of store.check(table)) say({ fault })
    } catch (error) {
      say({
        fault: `${table}: has a damaged page (${error instanceof Error ? error.message : String(error)})`,
      })
      process.exitCode = brokenOff
      break
    }
  }
  await store[Symbol.asyncDispose]()
} catch (error) {
  if (!(error instanceof StoreError)) throw error
  say({ refused: { code: error.code, message: error.message } })
}
