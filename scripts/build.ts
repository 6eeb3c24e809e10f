// Builds dist/, what the published package runs: Node.js does not strip types under node_modules. Beside the
// JavaScript it holds the configuration to start from, and the manual pages.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { compiledSchema } from './compiled-schema.ts'
import { commandPage, configurationPage } from './man-pages.ts'
import { startingConfig } from './starting-config.ts'

// Nothing of an earlier build may be left in it: all of dist/ is published.
rmSync('dist', { recursive: true, force: true })
const { status, error } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })

if (error !== undefined) throw error

writeFileSync('dist/main/config/schema-check.js', compiledSchema())

mkdirSync('dist/man', { recursive: true })
writeFileSync('dist/man/xmpp-pushd.1', commandPage())
writeFileSync('dist/man/xmpp-pushd.toml.5', configurationPage())
writeFileSync('dist/config.toml', startingConfig())
process.exitCode = status ?? 1
