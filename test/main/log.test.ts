import { describe, expect, test } from 'vitest'
import { createLog, type LogOptions } from '../../src/main/log.ts'
import { Secret } from '../../src/main/secret.ts'

function logTo(options: LogOptions) {
  const lines: string[] = []
  const log = createLog(options, { write: (line: string) => void lines.push(line) })
  return { log, lines }
}

describe('the log', () => {
  test('is one JSON object per line, with level, time and sentence', () => {
    const { log, lines } = logTo({ level: 'info', format: 'json' })
    log.info({ domain: 'a.example' }, 'The stream is up')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      domain: 'a.example',
      msg: 'The stream is up',
    })
    expect(lines[0]).toMatch(/^[^\n]*\n$/)
  })

  test('leaves out what is below its level, which may change while running', () => {
    const { log, lines } = logTo({ level: 'warn', format: 'json' })
    log.info('not this')
    log.level = 'debug'
    log.debug('but this')
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['but this'])
  })

  test.each(['json', 'pretty'] as const)('as %s shows neither secrets nor what somebody wrote', (format) => {
    const { log, lines } = logTo({ level: 'trace', format })
    log.info(
      {
        key: new Secret('hush1'),
        secret: 'hush2',
        headers: { authorization: 'Bearer hush3' },
        notification: { content: { body: 'hush4' } },
        stanza: '<iq>hush5</iq>',
        alert: { title: 'hush6', body: 'hush7' },
      },
      'Something happened',
    )
    const shown = lines.join('')
    expect(shown).toContain('Something happened')
    expect(shown).not.toContain('hush')
  })

  test('is written for the eye, a line at a time', () => {
    const { log, lines } = logTo({ level: 'info', format: 'pretty' })
    log.warn({ domain: 'a.example' }, 'The stream is down')
    expect(lines.join('')).toMatch(
      /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: The stream is down \{"domain":"a.example"\}\n$/,
    )
  })
})
