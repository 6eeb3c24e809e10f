// Builds the Debian package: what `npm pack` makes, its dependencies and a Node.js of its own. Needs dpkg-deb, tar
// and the npm registry.
//
//   npm run deb -- [--out FOLDER] [--compression xz|gzip|zstd|none]
//
// With the same sources, SOURCE_DATE_EPOCH (without it: the time of the last commit) and tools, the same package.
import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { contentsOf, normalize, prune, walk } from './deb-tree.ts'

/** What runs the daemon. Raise it with every release of this line of Node.js. */
const nodeVersion = '24.21.0'

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }
const architecture = architectures[process.arch]
if (process.platform !== 'linux' || architecture === undefined) {
  throw new Error(
    `no Debian package for ${process.platform} on ${process.arch}: build on Linux, amd64 or arm64`,
  )
}

const { values } = parseArgs({
  options: { out: { type: 'string', default: '.' }, compression: { type: 'string', default: 'xz' } },
})
const packaging = 'packaging/deb'
const npmQuietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
const { DEBFULLNAME = 'The xmpp-pushd authors', DEBEMAIL = 'xmpp-pushd@localhost.localdomain' } = process.env
const maintainerScripts = ['postinst', 'prerm', 'postrm']
/** What may be executed; nobody runs the scripts of dependencies. */
const programs = [
  'usr/bin/xmpp-pushd',
  'usr/lib/xmpp-pushd/node',
  ...maintainerScripts.map((script) => `DEBIAN/${script}`),
]
const maintainer = `${DEBFULLNAME} <${DEBEMAIL}>`
const epochS = Number(process.env.SOURCE_DATE_EPOCH ?? (output('git', ['log', '-1', '--format=%ct']) || 0))
const { version: npmVersion } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
// 1.0.0-rc.1 comes before 1.0.0: for Debian with a tilde.
const version = npmVersion.replace('-', '~')

const work = mkdtempSync(join(tmpdir(), 'pushd-deb-'))
try {
  const root = join(work, 'root')
  layOut(root)
  const deb = resolve(values.out, `xmpp-pushd_${version}_${architecture}.deb`)
  mkdirSync(dirname(deb), { recursive: true })
  writeControl(root)
  normalize(root, programs, epochS)
  // Secrets are read by root, who hands them to the service.
  chmodSync(join(root, 'etc/xmpp-pushd/secrets'), 0o700)
  run('dpkg-deb', ['--root-owner-group', `-Z${values.compression}`, '--build', root, deb], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epochS) },
  })
  console.log(deb)
} finally {
  rmSync(work, { recursive: true, force: true })
}

function layOut(root: string): void {
  const lib = join(root, 'usr/lib/xmpp-pushd')
  const doc = join(root, 'usr/share/doc/xmpp-pushd')
  for (const dir of [lib, doc, join(root, 'etc/xmpp-pushd/secrets')]) mkdirSync(dir, { recursive: true })
  unpackPackage(lib)
  addNode(lib, doc)

  put(`${packaging}/xmpp-pushd.sh`, root, 'usr/bin/xmpp-pushd')
  put(join(lib, 'systemd/xmpp-pushd.service'), root, 'usr/lib/systemd/system/xmpp-pushd.service')
  put(join(lib, 'systemd/xmpp-pushd.sysusers'), root, 'usr/lib/sysusers.d/xmpp-pushd.conf')
  put(join(lib, 'systemd/xmpp-pushd.tmpfiles'), root, 'usr/lib/tmpfiles.d/xmpp-pushd.conf')
  put(join(lib, 'dist/config.toml'), root, 'etc/xmpp-pushd/config.toml')
  putGzip(readFileSync(join(lib, 'dist/man/xmpp-pushd.1')), root, 'usr/share/man/man1/xmpp-pushd.1.gz')
  putGzip(
    readFileSync(join(lib, 'dist/man/xmpp-pushd.toml.5')),
    root,
    'usr/share/man/man5/xmpp-pushd.toml.5.gz',
  )
  if (existsSync(join(lib, 'monitoring'))) renameSync(join(lib, 'monitoring'), join(doc, 'monitoring'))
  put(`${packaging}/copyright`, root, 'usr/share/doc/xmpp-pushd/copyright')
  put(`${packaging}/lintian-overrides`, root, 'usr/share/lintian/overrides/xmpp-pushd')
  putGzip(debianChangelog(), root, 'usr/share/doc/xmpp-pushd/changelog.gz')
  putGzip(readFileSync(join(lib, 'CHANGELOG.md')), root, 'usr/share/doc/xmpp-pushd/CHANGELOG.md.gz')
  putGzip(readFileSync(join(lib, 'README.md')), root, 'usr/share/doc/xmpp-pushd/README.md.gz')
  // Each has its place now.
  for (const name of ['systemd', 'dist/man', 'dist/config.toml', 'CHANGELOG.md', 'README.md', 'LICENSE']) {
    rmSync(join(lib, name), { recursive: true })
  }
  for (const path of [...walk(join(lib, 'dist'))]) if (path.endsWith('.d.ts')) rmSync(path)
  strip(lib)
}

/** The package as it is published, with the dependencies of the lockfile. */
function unpackPackage(lib: string): void {
  run('npm', ['pack', '--pack-destination', work])
  const packed = readdirSync(work).find((file) => file.endsWith('.tgz'))
  if (packed === undefined) throw new Error('npm pack made no package')
  run('tar', ['-xzf', join(work, packed), '-C', lib, '--strip-components=1'])
  copyFileSync('package-lock.json', join(lib, 'package-lock.json'))
  run('npm', ['ci', '--omit=dev', ...npmQuietly], { cwd: lib })
  for (const name of ['package-lock.json', 'node_modules/.package-lock.json']) rmSync(join(lib, name))
  prune(join(lib, 'node_modules'))
}

function addNode(lib: string, doc: string): void {
  const name = `node-linux-${process.arch}`
  const place = join(work, 'node')
  run('npm', ['install', '--prefix', place, '--no-save', ...npmQuietly, `${name}@${nodeVersion}`])
  const folder = join(place, 'node_modules', name)
  copyFileSync(join(folder, 'bin/node'), join(lib, 'node'))
  putGzip(readFileSync(join(folder, 'LICENSE')), doc, 'LICENSE.node.gz')
}

/** The symbols of Node.js and of add-ons are a sixth of the package. */
function strip(lib: string): void {
  const binaries = [...walk(lib)].filter((path) => path === join(lib, 'node') || path.endsWith('.node'))
  if (spawnSync('strip', ['--version']).error !== undefined) {
    console.warn('strip (of binutils) is not installed: the package will be larger')
    return
  }
  run('strip', ['--strip-unneeded', ...binaries])
}

function writeControl(root: string): void {
  const { md5sums, installedKiB } = contentsOf(root)
  const values: Readonly<Record<string, string>> = {
    VERSION: version,
    ARCHITECTURE: architecture ?? '',
    MAINTAINER: maintainer,
    INSTALLED_KIB: String(installedKiB),
  }
  const control = readFileSync(`${packaging}/control`, 'utf8').replaceAll(
    /@([A-Z_]+)@/g,
    (_, name: string) => values[name] ?? '',
  )
  mkdirSync(join(root, 'DEBIAN'))
  writeFileSync(join(root, 'DEBIAN/control'), control)
  writeFileSync(join(root, 'DEBIAN/conffiles'), '/etc/xmpp-pushd/config.toml\n')
  writeFileSync(join(root, 'DEBIAN/md5sums'), md5sums)
  for (const script of maintainerScripts) put(`${packaging}/${script}`, root, `DEBIAN/${script}`)
}

/** In Debian's words; what changed is in CHANGELOG.md. */
function debianChangelog(): string {
  const date = new Date(epochS * 1000).toUTCString().replace('GMT', '+0000')
  return `xmpp-pushd (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${maintainer}  ${date}\n`
}

function put(from: string, root: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true })
  copyFileSync(from, join(root, to))
}

function putGzip(content: string | Uint8Array, root: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true })
  writeFileSync(join(root, to), gzipSync(content, { level: 9 }))
}

/** Runs a program; what it says on standard output is for people, and standard output is ours. */
function run(command: string, args: readonly string[], options: SpawnSyncOptions = {}): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}`, { cause: error })
}

/** What a program says; nothing when it fails. */
function output(command: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}
