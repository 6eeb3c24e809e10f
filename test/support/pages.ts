import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('../../', import.meta.url).pathname

/** Every page that people read, by its path from the root. */
export const pages: readonly string[] = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort()

/** A code block of a page: the one behind `<!-- snippet: NAME -->`, or one without a name. */
export interface Snippet {
  readonly page: string
  readonly name: string | undefined
  /** What the block says of itself; '' for a picture. */
  readonly language: string
  readonly text: string
}

export function pageText(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

/** The page's code blocks, in their order. A block within a list may stand in by some spaces. */
export function snippetsOf(page: string): Snippet[] {
  const block = /(?:<!-- snippet: (\S+) -->\n+)?^( *)```(\w*)\n(.*?)^ *```$/gms
  return [...pageText(page).matchAll(block)].map(([, name, indent = '', language = '', text = '']) => ({
    page,
    name,
    language,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))
}

export const snippets: readonly Snippet[] = pages.flatMap(snippetsOf)

/** What a page tells its reader to write or to run, is what the tests write and run. */
export function snippet(page: string, name: string): string {
  const found = snippetsOf(page).find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`${page} has no snippet called ${name}`)
  return found.text
}

/** The page without its code blocks. */
export function proseOf(page: string): string {
  return pageText(page).replaceAll(/^ *```.*?^ *```$/gms, '')
}
