import { domainOfBare, hostKey, normalDomain } from '../../core/jid.ts'
import type { Config } from '../config/config.ts'
import { exitCodes } from '../exit-codes.ts'
import { ExportError } from '../imports/export-reader.ts'
import type { ImportedSubscription } from '../imports/imported-subscription.ts'
import { type ExportKind, readExport } from '../imports/read-export.ts'
import { UsageError } from './command.ts'
import { askDaemon } from './daemon-request.ts'

export interface ImportOptions {
  readonly kind: ExportKind
  readonly path: string
  /** Of the users, where the export does not say it. */
  readonly host: string | undefined
  readonly isDryRun: boolean
  /** Stops at the first fault. */
  readonly isStrict: boolean
}

/** What goes into one request: the daemon takes 1000 and 1 MiB at most, and is to serve others in between. */
const batchSize = 500
const batchBytes = 512 * 1024

/**
 * Hands what another server has exported to the daemon, batch by batch; prints a line for each fault, and the counts.
 * Resolves to the exit code.
 *
 * @throws UsageError, DaemonRequestError: the counts are printed then, too; the same command may be run again
 */
export async function importSubscriptions(config: Config, options: ImportOptions): Promise<number> {
  const run = new ImportRun(config, options.isDryRun)
  try {
    for await (const part of readExport(options.kind, options.path, options.host)) {
      for (const one of part) {
        if (one.kind === 'subscription') {
          await run.add(one.subscription)
          continue
        }
        run.hasBegun = true
        run.faulty++
        console.error(`${one.place}: ${one.reason}`)
        if (options.isStrict) break
      }
      if (options.isStrict && run.faulty > 0) break
    }
    await run.end()
  } catch (error) {
    if (error instanceof ExportError) throw new UsageError(`subscriptions import: ${error.message}`)
    throw error
  } finally {
    if (run.hasBegun) run.report()
  }
  return run.faulty === 0 ? exitCodes.ok : exitCodes.config
}

class ImportRun {
  faulty = 0
  /** Something was read to the end, or handed over. */
  hasBegun = false
  readonly #config: Config
  readonly #served: ReadonlySet<string>
  readonly #isDryRun: boolean
  #batch: object[] = []
  #bytes = 0
  readonly #counts = { imported: 0, known: 0, over_limit: 0 }
  /** Subscriptions by host, of those that the daemon does not serve. */
  readonly #unserved = new Map<string, number>()

  constructor(config: Config, isDryRun: boolean) {
    this.#config = config
    this.#served = new Set(config.push.served_hosts.map(normalDomain))
    this.#isDryRun = isDryRun
  }

  async add({ user, jid, node, options, enabledAtMs }: ImportedSubscription): Promise<void> {
    const host = domainOfBare(user)
    if (!this.#served.has(hostKey(host))) {
      this.#unserved.set(host, (this.#unserved.get(host) ?? 0) + 1)
    }
    const enabled = enabledAtMs === undefined ? undefined : new Date(enabledAtMs).toISOString()
    const fields = { user, jid, node, options: Object.fromEntries(options), enabled }
    const bytes = Buffer.byteLength(JSON.stringify(fields))
    if (this.#batch.length === batchSize || this.#bytes + bytes > batchBytes) await this.#send()
    this.#batch.push(fields)
    this.#bytes += bytes
  }

  /** Hands over what is left. */
  async end(): Promise<void> {
    await this.#send()
    this.hasBegun = true
  }

  async #send(): Promise<void> {
    if (this.#batch.length === 0) return
    const body = { subscriptions: this.#batch, dry_run: this.#isDryRun }
    this.#batch = []
    this.#bytes = 0
    const answer = await askDaemon(this.#config, 'POST', '/admin/subscriptions/import', body)
    for (const name of ['imported', 'known', 'over_limit'] as const) {
      this.#counts[name] += Number(answer[name])
    }
    this.hasBegun = true
  }

  report(): void {
    for (const [host, count] of this.#unserved) {
      console.error(
        `${host} is not in push.served_hosts: nothing is pushed to its users (${count} subscriptions)`,
      )
    }
    const dryRun = this.#isDryRun ? { dry_run: true } : {}
    console.log(JSON.stringify({ ...this.#counts, faulty: this.faulty, ...dryRun }))
  }
}
