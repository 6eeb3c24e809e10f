import { describe, expect, test } from 'vitest'
import { Ledger } from '../../bench/faults/ledger.ts'

/** A ledger with one publish, number 0, on stream 1. */
function ledgerOfOne(slot = 0): Ledger {
  const ledger = new Ledger({ requestTimeoutMs: 500 })
  ledger.publish(ledger.newStream(), slot, 900)
  return ledger
}

const result = (ledger: Ledger, sequence = 0) => ledger.answered(sequence, 'result', '<iq/>', 1_000)

describe('the ledger of a run', () => {
  test('has nothing to say when what was acknowledged was delivered', () => {
    const ledger = ledgerOfOne()
    ledger.delivered(0, 1_000, true)
    result(ledger)
    expect(ledger.findings()).toMatchObject({ counts: { results: 1, delivered: 1 }, faults: [] })
  })

  test('finds an acknowledged publish that was lost', () => {
    const ledger = ledgerOfOne()
    result(ledger)
    expect(ledger.findings().faults).toEqual(['an acknowledged publish was lost: number 0'])
  })

  test('takes a dead device and what the daemon recorded as reasons', () => {
    const ledger = ledgerOfOne()
    ledger.publish(1, 0, 900)
    result(ledger)
    result(ledger, 1)
    ledger.gone(0)
    ledger.recorded(1, 'expired')
    expect(ledger.findings()).toMatchObject({ counts: { gone: 1, recorded: 1 }, faults: [] })
  })

  test('lets a newer publish to the same slot stand for those before it, and none after it', () => {
    const ledger = ledgerOfOne(7)
    for (const slot of [7, 7, 8]) ledger.publish(1, slot, 900)
    for (const sequence of [0, 1, 2, 3]) result(ledger, sequence)
    ledger.delivered(1, 2_000, true)
    expect(ledger.findings()).toMatchObject({
      counts: { superseded: 1 },
      faults: [
        expect.stringMatching(/^an acknowledged publish was lost: number 2, of those to one device, 0 /),
        expect.stringMatching(/^an acknowledged publish was lost: number 3, /),
      ],
    })
  })

  test.each([
    ['on another stream, before its answer', 2, 950, []],
    ['on another stream, after its answer', 2, 1_050, [expect.stringContaining('number 1')]],
    ['on its own stream', 1, 950, [expect.stringContaining('number 1')]],
  ])(
    'lets an older one stand only for one that was sent at the same time %s',
    (_, stream, sentMs, faults) => {
      const ledger = ledgerOfOne(7)
      ledger.newStream()
      ledger.publish(stream, 7, sentMs)
      result(ledger)
      result(ledger, 1)
      ledger.delivered(0, 2_000, true)
      expect(ledger.findings().faults).toEqual(faults)
    },
  )

  test('finds a second answer, whatever the first was', () => {
    const ledger = ledgerOfOne()
    ledger.delivered(0, 1_000, true)
    ledger.answered(0, 'wait', '<iq/>', 1_000)
    result(ledger)
    expect(ledger.findings().faults).toEqual(['a second answer: <iq/>'])
  })

  test.each(['cancel', 'modify', 'auth'] as const)('finds a %s: no publish of a run deserves one', (kind) => {
    const ledger = ledgerOfOne()
    ledger.answered(0, kind, '<iq/>', 1_000)
    expect(ledger.findings().faults).toEqual([`a ${kind} without cause: <iq/>`])
  })

  test('finds a device that is called dead and lives', () => {
    const ledger = ledgerOfOne()
    ledger.answered(0, 'dead_device', '<iq/>', 1_000)
    expect(ledger.findings().faults).toEqual(['a living device was called dead: number 0'])
    ledger.gone(0)
    expect(ledger.findings().faults).toEqual([])
  })

  test('allows no answer only where the stream is gone', () => {
    const ledger = ledgerOfOne()
    expect(ledger.findings().faults).toEqual(['no answer on a stream that is up: number 0'])
    ledger.streamClosed(1)
    expect(ledger.findings()).toMatchObject({ counts: { unanswered: 1 }, faults: [] })
  })

  test('tells what was delivered after its answer from what was delivered before', () => {
    const ledger = ledgerOfOne()
    ledger.publish(1, 0, 900)
    ledger.delivered(0, 990, true)
    result(ledger)
    result(ledger, 1)
    ledger.delivered(1, 1_200, true)
    expect(ledger.findings().counts).toMatchObject({ delivered: 2, deliveredLater: 1 })
  })

  test.each([
    ['at once', { firstIsClean: true, atMs: 1_100, disturbedMs: undefined }, 1],
    ['after a kill', { firstIsClean: true, atMs: 1_100, disturbedMs: 1_050 }, 0],
    ['after a kill before the first', { firstIsClean: true, atMs: 1_100, disturbedMs: 950 }, 1],
    [
      'after an answer that did not get through',
      { firstIsClean: false, atMs: 1_100, disturbedMs: undefined },
      0,
    ],
    ['after the request timeout', { firstIsClean: true, atMs: 1_500, disturbedMs: undefined }, 0],
  ])('a copy %s', (_, { firstIsClean, atMs, disturbedMs }, faults) => {
    const ledger = ledgerOfOne()
    result(ledger)
    ledger.delivered(0, 1_000, true)
    if (!firstIsClean) ledger.doubted(0)
    if (disturbedMs !== undefined) ledger.disturbed(disturbedMs)
    ledger.delivered(0, atMs, true)
    const findings = ledger.findings()
    expect(findings.counts.duplicates).toBe(1)
    expect(findings.faults).toHaveLength(faults)
  })

  test('finds deliveries and answers of what was never published', () => {
    const ledger = ledgerOfOne()
    ledger.streamClosed(1)
    ledger.delivered(1, 1_000, true)
    result(ledger, 1)
    expect(ledger.findings().faults).toEqual([
      'a delivery of nothing: number 1',
      'an answer to nothing: <iq/>',
    ])
  })

  test('keeps its columns as it grows', () => {
    const ledger = new Ledger({ requestTimeoutMs: 500 })
    const stream = ledger.newStream()
    for (let i = 0; i < 10_000; i++) result(ledger, ledger.publish(stream, i % 10, 900))
    for (let i = 0; i < 10_000; i += 2) ledger.delivered(i, 1_000, true)
    // Slots of odd numbers were never served.
    expect(ledger.findings().counts).toMatchObject({
      sent: 10_000,
      results: 10_000,
      delivered: 5_000,
      superseded: 0,
    })
  })
})
