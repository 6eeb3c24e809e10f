// Builds dist/, what the published package runs: Node.js does not strip types under node_modules.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'

// Nothing of an earlier build may be left in it: all of dist/ is published.
rmSync('dist', { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
process.exitCode = status ?? 1
