import type { Reporter, TestModule } from 'vitest/node'
import { programs, whyNot } from './installed.ts'

/** Says at the end of a run what it left out, and how to have it run. */
export class SkippedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let skipped = 0
    for (const module of modules) skipped += [...module.children.allTests('skipped')].length
    const missing = programs.map((program) => ({ program, why: whyNot(program) }))
    // Tests are skipped, too, when what they are set up with has failed: that has been told already.
    if (skipped === 0 || missing.every(({ why }) => why === undefined)) return

    process.stdout.write(`\n  ${skipped} tests were skipped:\n`)
    for (const { program, why } of missing) {
      if (why !== undefined) process.stdout.write(`  - ${program}: ${why}\n`)
    }
    process.stdout.write('  On Debian or Ubuntu, as root: scripts/install-servers.sh, then npm test\n\n')
  }
}
