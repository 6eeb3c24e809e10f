import { spawnSync } from 'node:child_process'

/** Programs that no npm package brings: tests that need one are skipped where it is missing. */
export const programs = ['ejabberd', 'prosody', 'promtool'] as const
export type Program = (typeof programs)[number]

/** Set to `fatal` where nothing may be skipped: then a missing program fails the tests that need it. */
const skips = process.env.XMPP_PUSHD_TEST_SKIPS

/** For `describe.skipIf`: whether tests that need this program cannot run here. */
export function lacks(program: Program): boolean {
  const why = whyNot(program)
  if (why !== undefined && skips === 'fatal') throw new Error(`${program}: ${why}`)
  return why !== undefined
}

/** Why a program cannot be run here; undefined: it can. */
export function whyNot(program: Program): string | undefined {
  const command = program === 'ejabberd' ? 'ejabberdctl' : program
  // Debian has ejabberdctl in sbin, which a plain user's PATH lacks.
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  if (spawnSync('sh', ['-c', `command -v ${command}`], { env }).status !== 0) return 'not installed'
  // Debian's start scripts run the servers as users of their own.
  if (program !== 'promtool' && process.getuid?.() !== 0) return 'has to be started by root'
  return undefined
}
