'use strict'

// Apart from xmpp-pushd, since an old Node.js cannot even read `import()`.
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

// The package holds JavaScript, since Node.js strips no types under node_modules; a checkout runs as it is.
const built = join(__dirname, '../dist/main/cli.js')
const source = join(__dirname, '../src/main/cli.ts')

import(pathToFileURL(existsSync(source) ? source : built).href).catch((error) => {
  console.error(error)
  process.exitCode = 70
})
