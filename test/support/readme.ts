import { snippet } from './pages.ts'

/** A code block of the README, by its name. */
export function readmeSnippet(name: string): string {
  return snippet('README.md', name)
}
