import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'

/** The package as `npm run deb` builds it, but for its compression. */
export async function buildPackage(out: string): Promise<string> {
  const build = new Child('npm', ['run', '-s', 'deb', '--', '--out', out, '--compression', 'none'])
  const { code } = await build.exited
  const built = readdirSync(out).find((file) => file.endsWith('.deb'))
  if (code !== 0 || built === undefined) throw new Error(`npm run deb: exit code ${code}\n${build.output}`)
  return join(out, built)
}

/** The same package as another version with other defaults. */
export function laterPackage(deb: string, out: string, version: string): void {
  const tree = `${out}.tree`
  run('dpkg-deb', '--raw-extract', deb, tree)
  const edit = (file: string, change: (text: string) => string) =>
    writeFileSync(join(tree, file), change(readFileSync(join(tree, file), 'utf8')))
  edit('DEBIAN/control', (text) => text.replace(/^Version: .*$/m, `Version: ${version}`))
  edit('usr/lib/xmpp-pushd/package.json', (text) =>
    text.replace(/"version": ".*?"/, `"version": "${version}"`),
  )
  edit('etc/xmpp-pushd/config.toml', (text) => `${text}# New in ${version}.\n`)
  run('dpkg-deb', '--root-owner-group', '-Znone', '--build', tree, out)
  rmSync(tree, { recursive: true })
}

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
}
