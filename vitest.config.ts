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
    projects: [
      tier('unit', ['test/*.test.ts', 'test/{core,main,worker,sandbox}/**/*.test.ts']),
      tier('fuzz', ['test/fuzz/**/*.test.ts'], { testTimeout: 60_000 }),
      tier('scenario', ['test/scenario/**/*.test.ts'], { testTimeout: 30_000 }),
      tier('integration', ['test/integration/**/*.test.ts'], {
        // Each file runs servers of its own: one after the other, and not beside the other tiers.
        fileParallelism: false,
        sequence: { groupOrder: 1 },
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
    ],
  },
})
