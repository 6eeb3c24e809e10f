import { readFileSync } from 'node:fs'

/**
 * What the unit in systemd/ puts into the daemon's environment, with this cache directory. `program`: the daemon's own,
 * whose tree the unit is taken from; this one by default.
 */
export function unitEnvironment(
  cacheDirectory: string,
  program = new URL('../src/main/cli.ts', import.meta.url),
): Record<string, string> {
  const unit = readFileSync(new URL('../../systemd/xmpp-pushd.service', program), 'utf8')
  const set = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)]
  return Object.fromEntries(
    set.map(([, name = '', value = '']) => [name, value.replace('%C/xmpp-pushd', cacheDirectory)]),
  )
}
