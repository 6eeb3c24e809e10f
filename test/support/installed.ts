import { spawnSync } from 'node:child_process'

/** Programs that no npm package brings: tests that need one are skipped where it is missing. */
export const programs = [
  'ejabberd',
  'prosody',
  'promtool',
  'prometheus',
  'go-sendxmpp',
  'systemd-nspawn',
  'debootstrap',
  'dpkg-deb',
  'cc',
  'mount',
] as const
export type Program = (typeof programs)[number]

/** Debian's start scripts run the servers as users of their own; a container's users are made in its folder. */
const rootsOwn = new Set<Program>(['ejabberd', 'prosody', 'systemd-nspawn', 'debootstrap', 'mount'])

/** Set to `fatal` where nothing may be skipped: then a missing program fails the tests that need it. */
const skips = process.env.XMPP_PUSHD_TEST_SKIPS

/** For `describe.skipIf`: whether tests that need this program cannot run here. */
export function lacks(program: Program): boolean {
  const why = whyNot(program)
  if (why !== undefined && why !== notAllowed && skips === 'fatal') throw new Error(`${program}: ${why}`)
  return why !== undefined
}

/** Nothing that is installed would help. */
const notAllowed = 'not allowed in this container'

/** Why a program cannot be run here; undefined: it can. */
export function whyNot(program: Program): string | undefined {
  const command = program === 'ejabberd' ? 'ejabberdctl' : program
  // Debian has ejabberdctl in sbin, which a plain user's PATH lacks.
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  if (spawnSync('sh', ['-c', `command -v ${command}`], { env }).status !== 0) return 'not installed'
  if (rootsOwn.has(program) && process.getuid?.() !== 0) return 'has to be started by root'
  if (program === 'mount' && !mayMount()) return notAllowed
  return undefined
}

function mayMount(): boolean {
  // In a mount namespace of its own, which is gone with it.
  return spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
}
