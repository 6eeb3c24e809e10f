// Writes the pages that are made from the source: npm run docs. A test fails while one of them is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { madePages } from './made-pages.ts'

for (const [page, make] of Object.entries(madePages)) {
  writeFileSync(page, make(existsSync(page) ? readFileSync(page, 'utf8') : ''))
  console.log(page)
}
