/** A JSON value over as few lines as `columns` allow, broken after commas and opening braces. */
export function printJson(value: unknown, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const piece of JSON.stringify(value).match(pieces) ?? []) {
    if (line !== '' && line.length + piece.length > columns) {
      lines.push(line)
      line = ' '
    }
    line += piece
  }
  lines.push(line)
  return lines
}

/** Text up to and with a comma or an opening brace that is in no string. */
const pieces = /(?:"(?:[^"\\]|\\.)*"|[^",{])+[,{]?|[,{]/g
