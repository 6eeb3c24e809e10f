import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from './child.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

const monitoring = new URL('../../monitoring/', import.meta.url).pathname

/** One element of an instant vector. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  /** NaN as it is. */
  readonly value: number
}

export interface Rule {
  readonly type: 'alerting' | 'recording'
  readonly name: string
  readonly health: string
  readonly lastError?: string
  readonly state?: 'inactive' | 'pending' | 'firing'
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A real Prometheus with the configuration and the rules that operators are given, but in a hurry. */
export class Prometheus implements AsyncDisposable {
  readonly #dir: string
  readonly #url: string
  readonly #child: Child

  private constructor(dir: string, port: number) {
    this.#dir = dir
    this.#url = `http://127.0.0.1:${port}`
    this.#child = new Child('prometheus', [
      `--config.file=${dir}/prometheus.yml`,
      `--storage.tsdb.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ])
  }

  /** `target`: host and port of the daemon's HTTP server. */
  static async start(target: string): Promise<Prometheus> {
    const dir = mkdtempSync(join(tmpdir(), 'prometheus-'))
    const example = readFileSync(`${monitoring}prometheus.yml`, 'utf8')
    const hurried = example.replaceAll('_interval: 10s', '_interval: 200ms').replace('127.0.0.1:9590', target)
    writeFileSync(join(dir, 'prometheus.yml'), hurried)
    copyFileSync(`${monitoring}xmpp-pushd.rules.yml`, join(dir, 'xmpp-pushd.rules.yml'))
    const prometheus = new Prometheus(dir, await freePort())
    await until('Prometheus', async () => {
      if (prometheus.#child.hasExited) throw new Error(prometheus.#child.output)
      const response = await fetch(`${prometheus.#url}/-/ready`).catch(() => undefined)
      return response?.ok
    })
    return prometheus
  }

  /** PromQL, now. A scalar is one sample without labels. Rejects with what Prometheus says is wrong with it. */
  async query(expression: string): Promise<Sample[]> {
    const data = (await this.#get(`query?query=${encodeURIComponent(expression)}`)) as
      | { resultType: 'vector'; result: { metric: Record<string, string>; value: [number, string] }[] }
      | { resultType: 'scalar'; result: [number, string] }
    if (data.resultType === 'scalar') return [{ metric: {}, value: Number(data.result[1]) }]
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
  }

  async rules(): Promise<Rule[]> {
    const { groups } = (await this.#get('rules')) as { groups: { rules: Rule[] }[] }
    return groups.flatMap(({ rules }) => rules)
  }

  async targets(): Promise<{ health: string; lastError: string; labels: Record<string, string> }[]> {
    const { activeTargets } = (await this.#get('targets?state=active')) as {
      activeTargets: { health: string; lastError: string; labels: Record<string, string> }[]
    }
    return activeTargets
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#child.exited
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #get(path: string): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${path}`)
    const { data, error } = (await response.json()) as { data: unknown; error?: string }
    if (!response.ok) throw new Error(`${path}: ${error}`)
    return data
  }
}
