import { defaultsText } from '../src/main/config/defaults-text.ts'

const head = `# The configuration of xmpp-pushd.
#
# A line that begins with "#" and a space explains; one that begins with "#" and a key shows that key's default, or
# an example. To change a key, take its "#" away. Whoever changes nothing gets the new defaults of a new version.
#
# To begin with: a [[component]] with its domain and server, its secret (a file named for the domain in
# /etc/xmpp-pushd/secrets, or secret_file), and the url of [mongoosepush]. Then "xmpp-pushd check" tells what is wrong.
#
# Relative paths start at the folder of this file. Keys marked (reload) are taken over by "systemctl reload
# xmpp-pushd" (SIGHUP), all others at the next start.
`

/** The file that packages install: what `config --defaults` prints, with every value switched off. */
export function startingConfig(): string {
  const text = defaultsText()
  return head + text.slice(text.indexOf('\n\n') + 1).replaceAll(/^(\w[\w.]*) = .*$/gm, switchedOff)
}

function switchedOff(line: string, key: string): string {
  // Its default depends on the machine, and the package must not depend on the one that built it.
  return key === 'wpool.workers' ? '#wpool.workers = 4' : `#${line}`
}
