/** A provider's troubles by hand: does what somebody types. */
import type { ProviderSandbox } from './provider-sandbox.ts'
import type { WireMode } from './wire.ts'

export const providerDeskHelp = `  goaway [unprocessed]                        say GOAWAY; unprocessed: what is not answered yet never will be
  streams N                                   allow each connection so many at a time
  hold, release                               answer nothing from now on; answer it all
  freeze, thaw                                half-open: nothing goes either way
  cut                                         reset all connections
  refuse, accept                              no new connections; new ones again
  new forward|silence|garbage|cut             what new connections meet
  help, quit`

const modes: readonly string[] = ['forward', 'silence', 'garbage', 'cut'] satisfies WireMode[]

export class ProviderDesk {
  readonly #provider: ProviderSandbox

  constructor(provider: ProviderSandbox) {
    this.#provider = provider
  }

  /** The answer to whoever typed the line, '' when there is nothing to say, or `quit`. */
  async take(line: string): Promise<string> {
    const [command = '', word = ''] = line.trim().split(/\s+/)
    const { wire } = this.#provider
    switch (command) {
      case '':
        return ''
      case 'help':
        return providerDeskHelp
      case 'quit':
        return 'quit'
      case 'goaway':
        return this.#goAway(word)
      case 'streams':
        if (!/^\d{1,6}$/.test(word)) break
        this.#provider.setMaxStreams(Number(word))
        return ''
      case 'hold':
      case 'release':
        this.#provider[command]()
        return ''
      case 'freeze':
      case 'thaw':
      case 'cut':
      case 'refuse':
      case 'accept':
        await wire[command]()
        return ''
      case 'new':
        if (!modes.includes(word)) break
        wire.mode = word as WireMode
        return ''
    }
    return `not understood: ${line.trim()} ("help" tells what is)`
  }

  #goAway(word: string): string {
    if (word !== '' && word !== 'unprocessed') return 'goaway, or goaway unprocessed'
    try {
      this.#provider.goAway(word === '' ? 'all' : 'answered')
      return ''
    } catch (error) {
      if (error instanceof RangeError) return error.message
      throw error
    }
  }
}
