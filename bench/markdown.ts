import { readFileSync, writeFileSync } from 'node:fs'

export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function code(text: string): string {
  return `\`${text}\``
}

/** Replaces what a page of docs/ has between `<!-- name -->` and `<!-- end of name -->`. */
export function replacePart(page: string, name: string, content: string): void {
  const file = new URL(`../docs/${page}`, import.meta.url)
  const begin = `<!-- ${name} -->`
  const end = `<!-- end of ${name} -->`
  const [head, rest] = readFileSync(file, 'utf8').split(begin)
  const tail = rest?.split(end)[1]
  if (head === undefined || tail === undefined) throw new Error(`${page} has no ${begin} … ${end}`)
  writeFileSync(file, `${head}${begin}\n\n${content}\n\n${end}${tail}`)
}
