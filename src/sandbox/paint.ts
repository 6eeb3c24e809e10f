const codes = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
} as const

export type Style = keyof typeof codes

/** Text in a style for a terminal; as it is where there are no colours. */
export type Paint = (text: string, ...styles: readonly Style[]) => string

export function paintFor(color: boolean): Paint {
  if (!color) return (text) => text
  return (text, ...styles) => {
    if (text === '' || styles.length === 0) return text
    return `\u001b[${styles.map((style) => codes[style]).join(';')}m${text}\u001b[0m`
  }
}

/** One line of XML: tags, attribute names, values and text told apart; namespaces stay in the background. */
export function paintXml(line: string, paint: Paint): string {
  return line.replaceAll(
    xmlParts,
    (_, indent = '', tag = '', ns = '', name = '', value = '', end = '', text = '') =>
      indent +
      paint(tag, 'blue') +
      paint(ns, 'dim') +
      paint(name, 'dim') +
      paint(value, 'cyan') +
      paint(end, 'blue') +
      paint(text, 'bold'),
  )
}

/** An indent leaves a space where an attribute follows: a line may begin with one. */
const xmlParts =
  /(^ +(?= [\w:.-]+='|<|$))|(<[/?]?[\w:.-]+)|( xmlns(?::\w+)?='[^']*')|( [\w:.-]+=)('[^']*')|([/?]?>)|([^<>]+)/g

/** One line of JSON: names in the background, values not. */
export function paintJson(line: string, paint: Paint): string {
  return line.replaceAll(
    /("(?:[^"\\]|\\.)*")(:)|("(?:[^"\\]|\\.)*")|([{}[\],])/g,
    (_, name = '', colon = '', value = '', mark = '') =>
      paint(name + colon, 'dim') + paint(value, 'bold') + paint(mark, 'blue'),
  )
}
