import { describe, expect, test } from 'vitest'
import { Circuit, circuitLimits } from '../../src/core/circuit.ts'

const { tripMs, openBaseMs, openCapMs, windowMs } = circuitLimits

/** A circuit after five failures of three devices, the last at `tripMs`: open. */
function openCircuit(): Circuit {
  const circuit = new Circuit(circuitLimits, 0)
  for (let i = 0; i < 4; i++) circuit.failed(`d${i % 3}`, false, 0)
  expect(circuit.failed('d0', false, tripMs)).toBe(true)
  expect(circuit.state).toBe('open')
  return circuit
}

describe('a gateway in use', () => {
  test('is left out after a second of nothing but failures of several devices', () => {
    expect(openCircuit().permits(tripMs)).toBe('none')
  })

  test('stays in use when one device alone fails, however often', () => {
    const circuit = new Circuit(circuitLimits, 0)
    for (let i = 0; i < 1_000; i++) expect(circuit.failed('d', false, i * 100)).toBe(false)
    expect(circuit.permits(1e6)).toBe('all')
  })

  test('stays in use when one device alone fails, though others did before and have been delivered to since', () => {
    const circuit = new Circuit(circuitLimits, 0)
    for (let i = 0; i < 3; i++) {
      circuit.failed(`d${i}`, false, i)
      circuit.succeeded(false, i)
    }
    for (let i = 0; i < 30; i++) expect(circuit.failed('d', false, 100 + i * 300)).toBe(false)
    // Nor with half of a later window's attempts: the others' failures are more than a window ago.
    for (let i = 0; i < 100; i++) {
      expect(circuit.failed('d', false, windowMs * 2 + i)).toBe(false)
      circuit.succeeded(false, windowMs * 2 + i)
    }
  })

  test('stays in use when connections break all at once between successes', () => {
    const circuit = new Circuit(circuitLimits, 0)
    for (let i = 0; i < 200; i++) circuit.succeeded(false, 100)
    for (let i = 0; i < 100; i++) expect(circuit.failed(`d${i}`, false, 200)).toBe(false)
  })

  test('is left out when half of the attempts of ten seconds fail', () => {
    const circuit = new Circuit(circuitLimits, 0)
    let opened = false
    for (let i = 0; i < 100; i++) {
      circuit.succeeded(false, i)
      opened ||= circuit.failed(`d${i}`, false, i)
    }
    expect(opened).toBe(true)
  })

  test('stays in use when a fifth of the attempts fails for ever', () => {
    const circuit = new Circuit(circuitLimits, 0)
    for (let i = 0; i < 10_000; i++) {
      if (i % 5 === 0) expect(circuit.failed(`d${i}`, false, i * 10)).toBe(false)
      else circuit.succeeded(false, i * 10)
    }
  })

  test('is left out after five failures in a row even if they are an hour apart', () => {
    const circuit = new Circuit(circuitLimits, 0)
    for (let i = 0; i < 4; i++) expect(circuit.failed(`d${i}`, false, i * 3.6e6)).toBe(false)
    expect(circuit.failed('d4', false, 4 * 3.6e6)).toBe(true)
  })

  test('is not judged by what was more than a window ago', () => {
    const circuit = new Circuit(circuitLimits, 0)
    for (let i = 0; i < 40; i++) circuit.failed(`d${i}`, false, 0)
    circuit.succeeded(false, 1)
    for (let i = 0; i < 20; i++) {
      expect(circuit.failed(`e${i}`, false, windowMs + i)).toBe(false)
      circuit.succeeded(false, windowMs + i)
    }
  })
})

describe('a gateway left out', () => {
  test('is probed by one attempt after a while', () => {
    const circuit = openCircuit()
    expect(circuit.permits(tripMs + openBaseMs - 1)).toBe('none')
    expect(circuit.permits(tripMs + openBaseMs)).toBe('probe')
    circuit.probing(tripMs + openBaseMs)
    expect(circuit.permits(tripMs + openBaseMs)).toBe('none')
  })

  test('is in use again when the probe succeeds', () => {
    const circuit = openCircuit()
    circuit.probing(3_000)
    expect(circuit.succeeded(true, 3_010)).toBe(true)
    expect(circuit.permits(3_010)).toBe('all')
    for (let i = 0; i < 4; i++)
      expect(circuit.failed(`d${i}`, false, 3_020 + tripMs), 'it starts anew').toBe(false)
  })

  test('waits twice as long after each failed probe, up to a limit', () => {
    const circuit = openCircuit()
    let nowMs = tripMs
    for (const waitMs of [openBaseMs, openBaseMs * 2, openBaseMs * 4, openCapMs, openCapMs]) {
      expect(circuit.permits(nowMs + waitMs - 1)).toBe('none')
      nowMs += waitMs
      expect(circuit.permits(nowMs)).toBe('probe')
      circuit.probing(nowMs)
      circuit.failed('d', true, nowMs)
    }
  })

  test('is not judged by attempts that went out before', () => {
    const circuit = openCircuit()
    expect(circuit.succeeded(false, tripMs + 1)).toBe(false)
    expect(circuit.failed('d', false, tripMs + 1)).toBe(false)
    circuit.probing(tripMs + openBaseMs)
    circuit.succeeded(false, tripMs + openBaseMs)
    expect(circuit.state).toBe('half-open')
  })

  test('is probed anew at once when the probe is lost with its worker', () => {
    const circuit = openCircuit()
    circuit.probing(3_000)
    circuit.probeLost(3_100)
    expect(circuit.permits(3_100)).toBe('probe')
  })
})
