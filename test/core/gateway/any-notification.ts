import fc from 'fast-check'
import type { JsonValue } from '../../../src/core/json.ts'
import type { DataField, Notification } from '../../../src/core/notification.ts'

/** Any text, halves of surrogate pairs and controls too, sometimes a long one. */
const anyText = fc.oneof(
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
  fc.string({ unit: 'grapheme', maxLength: 3_000 }),
  fc.constantFrom('.', '..', '/', '', 'com.example.voip', '\r\nx: y'),
)

/** Whatever JSON can say. */
export const jsonData: fc.Arbitrary<DataField[]> = fc.array(
  fc.tuple(anyText, fc.jsonValue({ stringUnit: 'binary' }) as fc.Arbitrary<JsonValue>),
  { maxLength: 5 },
)

const optionalText = fc.option(anyText, { nil: undefined })

export function anyNotification(service: string): fc.Arbitrary<Notification> {
  const alert = fc.record({
    kind: fc.constant('alert' as const),
    title: anyText,
    body: anyText,
    badge: fc.option(fc.integer(), { nil: undefined }),
    tag: optionalText,
    clickAction: optionalText,
    sound: optionalText,
    data: fc.option(jsonData, { nil: undefined }),
  })
  const silent = fc.record({ kind: fc.constant('silent' as const), data: jsonData })
  return fc.record({
    domain: fc.constant('push.example.com'),
    node: fc.constant(''),
    device: fc.record({ service: fc.constant(service), mode: fc.constant(undefined), id: anyText }),
    topic: optionalText,
    priority: fc.constantFrom(undefined, 'normal', 'high'),
    mutableContent: fc.option(fc.boolean(), { nil: undefined }),
    timeToLiveS: fc.option(fc.integer(), { nil: undefined }),
    tags: fc.constant([]),
    content: fc.oneof(alert, silent),
    collapsible: fc.boolean(),
    enabledAtMs: fc.constantFrom(undefined, 1_600_000_000_000),
    createdAtMs: fc.constant(1_700_000_000_000),
  })
}
