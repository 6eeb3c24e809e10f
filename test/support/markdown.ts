/** The rows, cell by cell, of the first table after this heading whose first column has this head. */
export function tableUnder(page: string, heading: string, firstColumn: string): string[][] {
  const lines = page.split('\n')
  const section = lines.findIndex((line) => line.startsWith('#') && line.replace(/^#+ /, '') === heading)
  const start = lines.findIndex((line, i) => i > section && line.startsWith(`| ${firstColumn} |`))
  if (section < 0 || start < 0) throw new Error(`no table of ${firstColumn} under ${heading}`)
  const rows: string[][] = []
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break
    rows.push(
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
  }
  return rows
}

/** What stands in backquotes. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '')
}
