import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { runCommandLine } from '../../src/main/command-line.ts'
import { defaultsText } from '../../src/main/config/defaults-text.ts'

const program = join(import.meta.dirname, '../../bin/xmpp-pushd')
const dir = mkdtempSync(join(tmpdir(), 'pushd-cli-'))
afterAll(() => rmSync(dir, { recursive: true }))
const good = file(
  'good.toml',
  '[[component]]\ndomain = "push.example"\nsecret = "x"\n[push]\nserved_hosts = ["example"]\n',
)
const bad = file('bad.toml', 'nonsense = 1\n[log]\nlevel = "loud"\n')

function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(
  args: readonly string[],
  env: Record<string, string> = {},
  nodeArgs: readonly string[] = [],
): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, program, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  })
  return { status, stdout, stderr }
}

/** In this process: for what is decided before any command runs. */
async function runHere(args: readonly string[]): Promise<Ended> {
  const out = vi.spyOn(console, 'log').mockReturnValue()
  const error = vi.spyOn(console, 'error').mockReturnValue()
  try {
    const status = await runCommandLine(args)
    const textOf = (spy: typeof out) => spy.mock.calls.map((words) => words.join(' ')).join('\n')
    return { status, stdout: textOf(out), stderr: textOf(error) }
  } finally {
    out.mockRestore()
    error.mockRestore()
  }
}

describe('xmpp-pushd', () => {
  test('--version says the version', () => {
    expect(run(['--version'])).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^xmpp-pushd \d+\.\d+\.\d+\n$/),
      stderr: '',
    })
  })

  test('--help names every command', () => {
    const { status, stdout } = run(['--help'])
    expect(status).toBe(0)
    for (const name of ['start --', 'check --', 'config --', 'demo ', 'sandbox ']) {
      expect(stdout).toContain(`  ${name.replace(' --', ' [--')}`)
    }
  })

  test.each(['start', 'check', 'config', 'demo'])('%s --help explains it', async (command) => {
    const { status, stdout } = await runHere([command, '--help'])
    expect(status).toBe(0)
    expect(stdout).toMatch(new RegExp(`^Usage: xmpp-pushd ${command} `))
  })

  test.each([
    [[], /no command/],
    [['chekc'], /unknown command chekc, the nearest known one is check$/m],
    [['--verison'], /unknown option --verison, the nearest known one is --version$/m],
    [['check', '--confg', 'x'], /check: unknown option --confg, the nearest known one is --config$/m],
    [['demo', '--kep'], /demo: unknown option --kep, the nearest known one is --keep$/m],
    [['demo', '--keep=yes'], /demo: --keep takes no value$/m],
    [['check', '--config'], /check: --config needs FILE$/m],
    [['check', 'x.toml'], /check takes no "x.toml"$/m],
    [['check'], /no configuration file: give --config FILE, or name it in XMPP_PUSHD_CONFIG/],
    [['config'], /config needs --defaults or --from-mongoosepush FILE$/m],
    [['config', '--defaults', '--from-mongoosepush', 'x'], /config needs --defaults or /],
    [['config', '--from-mongoosepush', '/nowhere'], /\/nowhere: cannot be read: ENOENT$/m],
  ])('with %j says what is wrong, without a stack, and exits with 78', async (args, message) => {
    const { status, stdout, stderr } = await runHere(args)
    expect({ status, stdout }).toEqual({ status: 78, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('    at ')
  })

  test('exits with what its command says', () => {
    const { status, stderr } = run(['chekc'])
    expect({ status, stderr }).toEqual({
      status: 78,
      stderr: expect.stringMatching(/^xmpp-pushd: unknown command chekc/),
    })
  })

  test('on a Node.js that is too old says so in one sentence and exits with 78', () => {
    for (const version of ['22.18.0', '0.10.48']) {
      const preload = file(
        'old.cjs',
        `Object.defineProperty(process.versions, 'node', { value: '${version}' })`,
      )
      expect(run(['--version'], {}, ['-r', preload])).toEqual({
        status: 78,
        stdout: '',
        stderr: `xmpp-pushd needs Node.js 22.19 or newer, and this is Node.js ${version}.\n`,
      })
    }
  })

  test.each(['22.19.0', '26.1.0'])('takes Node.js %s for new enough', (version) => {
    const preload = file(
      'new.cjs',
      `Object.defineProperty(process.versions, 'node', { value: '${version}' })`,
    )
    expect(run(['--version'], {}, ['-r', preload]).status).toBe(0)
  })
})

describe('xmpp-pushd check', () => {
  test('of a sound file exits with 0', () => {
    expect(run(['check', '--config', good])).toEqual({
      status: 0,
      stdout: `${good}: no faults\n`,
      stderr: '',
    })
  })

  test('of a faulty file prints every fault on its own line and exits with 78', () => {
    const { status, stdout } = run(['check', `--config=${bad}`])
    expect(status).toBe(78)
    expect(stdout.split('\n')).toEqual([
      `${bad}: nonsense: ${'is not a known key, the nearest known one is '}${stdout.match(/one is (\S+)/)?.[1]}`,
      `${bad}: log.level: is "loud", allowed: trace, debug, info, warn, error`,
      '',
    ])
  })

  test('finds the file by XMPP_PUSHD_CONFIG, but the command line comes first', () => {
    expect(run(['check'], { XMPP_PUSHD_CONFIG: bad }).status).toBe(78)
    expect(run(['check', '--config', good], { XMPP_PUSHD_CONFIG: bad }).status).toBe(0)
  })

  test('takes a secret from the systemd credentials', () => {
    const path = file('credential.toml', '[[component]]\ndomain = "push.example"\n')
    file('push.example', 'from systemd')
    expect(run(['check', '--config', path]).status).toBe(78)
    expect(run(['check', '--config', path], { CREDENTIALS_DIRECTORY: dir }).status).toBe(0)
  })

  test('shows what is allowed but hardly meant', () => {
    const path = file('note.toml', '[mongoosepush]\nurl = "https://push.example"\ntls.verify = false\n')
    const { status, stdout } = run(['check', '--config', path])
    expect(status).toBe(0)
    expect(stdout).toContain(`${path}: note: mongoosepush.tls.verify is false`)
  })
})

describe('xmpp-pushd config --defaults', () => {
  test('prints a file that check takes', () => {
    const { status, stdout } = run(['config', '--defaults'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: defaultsText() })
    expect(run(['check', '--config', file('defaults.toml', stdout)]).status).toBe(0)
  })
})

describe('xmpp-pushd config --from-mongoosepush', () => {
  test('prints what a TOML file comes to, the listener from the environment where the file is silent', () => {
    const toml = file('push.toml', '[[service.fcm]]\nauth.appfile = "token.json"\n')
    const { status, stdout } = run(['config', '--from-mongoosepush', toml], { PUSH_HTTPS_PORT: '9443' })
    expect(status).toBe(0)
    expect(stdout).toContain('listen = "127.0.0.1:9443"')
    expect(stdout).toContain('[[gateway.fcm]]\nservice_account_file = "token.json"\n')
  })

  test('prints what a file of the environment comes to', () => {
    const { status, stdout } = run([
      'config',
      '--from-mongoosepush',
      file('push.env', 'PUSH_FCM_ENABLED=true\n'),
    ])
    expect(status).toBe(0)
    expect(stdout).toContain('[[gateway.fcm]]\nservice_account_file = "priv/fcm/token.json"\n')
  })

  test('says where a file is neither, and exits with 78', () => {
    const broken = file('push-broken.toml', '[general\n')
    expect(run(['config', '--from-mongoosepush', broken])).toMatchObject({
      status: 78,
      stdout: '',
      stderr: expect.stringContaining(`${broken}: line 1, column`) as unknown,
    })
  })
})

describe('xmpp-pushd start', () => {
  test('with a faulty file prints its faults to standard error and exits with 78', () => {
    const { status, stderr } = run(['start', '--config', bad])
    expect(status).toBe(78)
    expect(stderr.split('\n')[1]).toBe(
      `${bad}: log.level: is "loud", allowed: trace, debug, info, warn, error`,
    )
  })
})
