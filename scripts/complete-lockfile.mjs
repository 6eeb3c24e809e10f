// Completes package-lock.json after a change of dependencies, then `npm ci` takes it on every platform.
//
// npm leaves a platform's package out of the lockfile when the registry it asked does not have it (yet), and
// then `npm ci` refuses the lockfile everywhere: "Missing: … from lock file". An entry that says which
// platform it is for is enough: elsewhere npm never asks for the package, and there it is optional.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const added = []

for (const { optionalDependencies = {}, dev } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const path = `node_modules/${name}`
    if (lock.packages[path] !== undefined) continue
    const { os, cpu, libc } = platformIn(name)
    // In npm's order of keys.
    lock.packages[path] = { version, cpu, ...(dev && { dev }), ...(libc && { libc }), optional: true, os }
    added.push(`${name}@${version}`)
  }
}
const { '': root, ...packages } = lock.packages
lock.packages = { '': root, ...Object.fromEntries(Object.entries(packages).sort(byPath)) }
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(added.length > 0 ? `package-lock.json: added ${added.join(', ')}` : 'package-lock.json: complete')

/** Such packages name their platform at the end: `…/cli-linux-arm64-musl`. */
function platformIn(name) {
  const found =
    /(aix|android|darwin|freebsd|linux|openbsd|sunos|win32)-(arm64|arm|ia32|ppc64|x64)(?:-(gnu|musl))?$/.exec(
      name,
    )
  if (found === null)
    throw new Error(`package-lock.json lacks ${name}, and its name does not say its platform`)
  const [, os, cpu, libc] = found
  return { os: [os], cpu: [cpu], libc: libc && [libc === 'gnu' ? 'glibc' : libc] }
}

function byPath([a], [b]) {
  return a.localeCompare(b, 'en')
}
