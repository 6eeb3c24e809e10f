import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const commandLine = new URL('../../src/main/cli.ts', import.meta.url).pathname

/** A folder in which commands of the pages are run: `xmpp-pushd` is this source, other programs as given. */
export class Shell {
  readonly dir: string
  readonly env: NodeJS.ProcessEnv

  /** `programs`: by name, the words that are run in its place, before its arguments. */
  constructor(dir: string, programs: Readonly<Record<string, readonly string[]>> = {}) {
    this.dir = dir
    const bin = join(dir, 'bin')
    mkdirSync(bin)
    const all = { 'xmpp-pushd': [process.execPath, commandLine], ...programs }
    for (const [name, words] of Object.entries(all)) {
      const quoted = words.map((word) => `'${word}'`).join(' ')
      writeFileSync(join(bin, name), `#!/bin/sh\nexec ${quoted} "$@"\n`)
      chmodSync(join(bin, name), 0o755)
    }
    this.env = { ...process.env, PATH: `${bin}:${process.env.PATH}:/usr/sbin` }
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.dir, file), text)
  }

  /** Runs a script to its end, which a command that fails is. Throws then. */
  run(script: string): string {
    const options = { cwd: this.dir, env: this.env, encoding: 'utf8', timeout: 60_000 } as const
    const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], options)
    if (status !== 0) throw new Error(`exit code ${status}\n${script}\n${stdout}${stderr}`)
    return stdout
  }
}

/** A script's commands, one a line; without comments. */
export function commandsOf(script: string): string[] {
  return script
    .split('\n')
    .map((line) => line.replace(/ +# .*$/, ''))
    .filter((line) => line !== '')
}
