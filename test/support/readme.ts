import { readFileSync } from 'node:fs'

const readme = new URL('../../README.md', import.meta.url)

/**
 * A code block of the README: the one after `<!-- snippet: NAME -->`. What the README tells an operator to
 * write is what the tests run.
 */
export function readmeSnippet(name: string): string {
  const text = readFileSync(readme, 'utf8')
  const found = new RegExp(`<!-- snippet: ${name} -->\\n+\`\`\`\\w*\\n(.*?)\`\`\``, 's').exec(text)
  if (found?.[1] === undefined) throw new Error(`README.md has no snippet called ${name}`)
  return found[1]
}
