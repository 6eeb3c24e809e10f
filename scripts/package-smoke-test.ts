// Packs the package, installs it into an empty folder as a user would, and runs what it installed there.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
/** What else operators are told to find in it. */
const promised = [
  'systemd/xmpp-pushd.service',
  'systemd/xmpp-pushd.sysusers',
  'systemd/xmpp-pushd.tmpfiles',
  'monitoring/prometheus.yml',
  'monitoring/xmpp-pushd.rules.yml',
  'monitoring/grafana-dashboard.json',
  'dist/config.toml',
  'dist/man/xmpp-pushd.1',
  'dist/main/cli.d.ts',
]
const dir = mkdtempSync(join(tmpdir(), 'pushd-package-'))
try {
  run('npm', ['pack', '--pack-destination', dir], '.')
  const packed = readdirSync(dir).find((file) => file.endsWith('.tgz'))
  if (packed === undefined) throw new Error('npm pack made no package')
  run('npm', ['init', '-y'], dir)
  run('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', `./${packed}`], dir)
  const folder = join(dir, 'node_modules/xmpp-pushd')
  const missing = promised.filter((file) => !existsSync(join(folder, file)))
  if (missing.length > 0) throw new Error(`missing in the package: ${missing.join(', ')}`)
  expectIn(run('npx', ['xmpp-pushd', '--version'], dir), version)
  expectIn(run('npx', ['xmpp-pushd', 'config', '--defaults'], dir), '[mongoosepush]')
  writeFileSync(join(dir, 'plugin.mjs'), "export const senderId = () => 'x'\n")
  writeFileSync(
    join(dir, 'pushd.toml'),
    'data_dir = "/var/lib/none"\n[[component]]\ndomain = "push.test"\nserver = "127.0.0.1:5347"\nsecret = "x"\n' +
      '[push]\nplugin = "./plugin.mjs"\n',
  )
  expectIn(run('npx', ['xmpp-pushd', 'check', '--config', 'pushd.toml'], dir), 'no faults')
  expectIn(run('npx', ['xmpp-pushd', 'demo'], dir), '<publish')
  console.log('package: installed, --version, config --defaults, check with a plugin, and demo work')
} finally {
  rmSync(dir, { recursive: true, force: true })
}

function run(command: string, args: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: 120_000,
  })
  if (error !== undefined || status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: exit code ${status}\n${stdout}\n${stderr}`, {
      cause: error,
    })
  }
  return stdout
}

function expectIn(output: string, wanted: string): void {
  if (!output.includes(wanted)) throw new Error(`"${wanted}" is missing in:\n${output}`)
}
