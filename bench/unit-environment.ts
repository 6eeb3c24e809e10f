import { readFileSync } from 'node:fs'

/** What the unit in systemd/ puts into the daemon's environment, with this cache directory. */
export function unitEnvironment(cacheDirectory: string): Record<string, string> {
  const unit = readFileSync(new URL('../systemd/xmpp-pushd.service', import.meta.url), 'utf8')
  const set = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)]
  return Object.fromEntries(
    set.map(([, name = '', value = '']) => [name, value.replace('%C/xmpp-pushd', cacheDirectory)]),
  )
}
