/**
 * Draws the demo: a sequence diagram of three parties in 100 columns, what they say to each other under each
 * arrow, and a sentence before each act. Times are milliseconds since a diagram was opened.
 */
import { type Paint, paintJson, paintXml, type Style } from './paint.ts'

/** The lines of the parties, from left to right. */
export type Party = 'server' | 'daemon' | 'gateway'

const width = 100
const lane: Readonly<Record<Party, number>> = { server: 4, daemon: 35, gateway: 66 }
const parties: readonly Party[] = ['server', 'daemon', 'gateway']
const styleOf: Readonly<Record<Party, Style>> = { server: 'cyan', daemon: 'magenta', gateway: 'yellow' }

export class DemoScreen {
  readonly paint: Paint
  readonly #out: NodeJS.WritableStream
  readonly #nowMs: () => number
  readonly #gatewayName: string
  #openedMs = 0
  #acts = 0

  /** `gatewayName`: of the party on the right. */
  constructor(out: NodeJS.WritableStream, paint: Paint, nowMs: () => number, gatewayName: string) {
    this.#out = out
    this.paint = paint
    this.#nowMs = nowMs
    this.#gatewayName = gatewayName
  }

  line(text = ''): void {
    this.#out.write(`${text.trimEnd()}\n`)
  }

  title(name: string, subtitle: string): void {
    const { paint } = this
    const rule = '━'.repeat(width)
    this.line()
    this.line(paint(rule, 'magenta'))
    this.line(`  ${paint(name, 'bold')}${subtitle.padStart(width - name.length - 4)}`)
    this.line(paint(rule, 'magenta'))
  }

  /** The beginning of the next act: its name and what will be seen. */
  act(name: string, narration: string): void {
    const { paint } = this
    this.#acts++
    this.line()
    this.line(`${paint(` ${this.#acts} `, 'bold', 'magenta')}${paint(name, 'bold')}`)
    this.text(narration)
    this.line()
  }

  /** Who stands where; what follows is timed from now on. */
  openDiagram(): void {
    this.#parties()
    this.#openedMs = this.#nowMs()
  }

  text(narration: string): void {
    for (const line of wrap(narration, width - 8)) this.line(`   ${line}`)
  }

  /** One message from a party to its neighbour. */
  arrow(from: Party, to: Party, label: string): void {
    const { paint } = this
    const elapsed = `${(this.#nowMs() - this.#openedMs).toFixed(1).padStart(8)} ms`
    const style = styleOf[from]
    const [left, right] = lane[from] < lane[to] ? [from, to] : [to, from]
    const room = lane[right] - lane[left] - 1
    const text = ` ${label} `
    const shaft = '─'.repeat(Math.max(0, room - text.length - 2))
    const labelled =
      from === left
        ? paint('─', style) + paint(text, 'bold', style) + paint(`${shaft}▶`, style)
        : paint(`◀${shaft}`, style) + paint(text, 'bold', style) + paint('─', style)
    let line = ' '.repeat(lane.server)
    for (const party of parties) {
      line += this.#bar(party)
      if (party === 'gateway') break
      line += party === left ? labelled : ' '.repeat(30)
    }
    this.line(`${line} ${paint(elapsed, 'dim')}`)
  }

  /** What a message says, under its arrow; lines are as wide as `payloadWidth` says. */
  payload(from: Party, to: Party, lines: readonly string[], language: 'xml' | 'json' | 'plain'): void {
    const beforeDaemon = from === 'server' || to === 'server'
    const margin = beforeDaemon
      ? `${' '.repeat(lane.server)}${this.#bar('server')} `
      : `${' '.repeat(lane.server)}${this.#bar('server')}${' '.repeat(30)}${this.#bar('daemon')} `
    for (const line of lines) {
      const painted =
        language === 'xml'
          ? paintXml(line, this.paint)
          : language === 'json'
            ? paintJson(line, this.paint)
            : this.paint(line, 'dim')
      this.line(margin + painted)
    }
  }

  payloadWidth(from: Party, to: Party): number {
    return width - (from === 'server' || to === 'server' ? lane.server : lane.daemon) - 3
  }

  /** What the act has shown, as expected or not. */
  verdict(asExpected: boolean, text: string): void {
    const { paint } = this
    const mark = asExpected ? paint('✔', 'bold', 'green') : paint('✘', 'bold', 'red')
    const [first = '', ...others] = wrap(text, width - 12)
    this.line(`   ${mark} ${asExpected ? first : paint(first, 'red')}`)
    for (const line of others) this.line(`     ${asExpected ? line : paint(line, 'red')}`)
  }

  #parties(): void {
    const { paint } = this
    const names = { server: 'XMPP server', daemon: 'xmpp-pushd', gateway: this.#gatewayName }
    let line = ''
    for (const party of parties) {
      // A name stands over its line, but for the first, which begins with it.
      const at = party === 'server' ? lane.server - 2 : lane[party] - Math.floor(names[party].length / 2)
      line = line.padEnd(at) + names[party]
    }
    for (const party of parties) {
      line = line.replace(names[party], paint(names[party], 'bold', styleOf[party]))
    }
    this.line(line)
  }

  #bar(party: Party): string {
    return this.paint('│', styleOf[party], 'dim')
  }
}

/** Words over lines of at most `columns` characters. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  if (line !== '') lines.push(line)
  return lines
}
