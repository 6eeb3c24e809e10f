import type { PublishResult } from '../../metrics/table.ts'

export type { PublishResult }

/**
 * The checks of a publish in their order, and the result that each is counted as when it fails. A wrong
 * secret fails the fourth check but is counted as what it is answered with.
 */
export const failedCheck = {
  wellFormed: 'rejected_malformed',
  nodeExists: 'rejected_no_node',
  mayPublish: 'rejected_forbidden',
  namesDevice: 'rejected_no_device',
  namesTarget: 'rejected_target',
  isNotification: 'rejected_payload',
  hasContent: 'rejected_content',
  deviceLives: 'rejected_dead_device',
  hasRoom: 'rejected_no_room',
} as const satisfies Record<string, PublishResult>
