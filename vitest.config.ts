import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { SkippedTests } from './test/support/skipped-tests.ts'

/** A tier of the tests: `npm test -- --project NAME`. */
function tier(
  name: string,
  include: string[],
  options: TestProjectInlineConfiguration['test'] = {},
): TestProjectInlineConfiguration {
  return { test: { name, include, ...options } }
}

export default defineConfig({
  test: {
    reporters: ['default', new SkippedTests()],
    // Tests wait for timers and disks more than they compute: on two cores, one worker would leave both idle.
    maxWorkers: 3,
    projects: [
      // Real files and sockets: on a machine that is busy with other things they take their time.
      tier('unit', ['test/*.test.ts', 'test/{core,main,worker,sandbox}/**/*.test.ts'], {
        testTimeout: 30_000,
      }),
      tier('fuzz', ['test/fuzz/**/*.test.ts'], {
        // Up to 5 ms for each time that a property is tried.
        testTimeout: Math.max(60_000, Number(process.env.FUZZ_RUNS ?? 0) * 5),
      }),
      tier('scenario', ['test/scenario/**/*.test.ts'], { testTimeout: 60_000 }),
      tier('integration', ['test/integration/**/*.test.ts'], {
        // Each file runs servers of its own: one after the other, and not beside the other tiers.
        fileParallelism: false,
        sequence: { groupOrder: 1 },
        testTimeout: 90_000,
        hookTimeout: 90_000,
      }),
      // Processes of their own under load: after all others, one file at a time.
      tier('crash', ['test/crash/**/*.test.ts'], {
        fileParallelism: false,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
})
