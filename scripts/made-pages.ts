import { configurationPage } from './configuration-page.ts'
import { completed } from './metrics-table.ts'

/** The pages, or parts of pages, that are made from the source: by path from the root, the whole page from what it is. */
export const madePages: Readonly<Record<string, (page: string) => string>> = {
  'docs/configuration.md': configurationPage,
  'docs/metrics.md': completed,
}
