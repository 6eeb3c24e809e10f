import type { Device } from '../../core/notification.ts'

/** Who called a device dead: its provider, or the number of refusals in a row. */
export type DeadBy = 'provider' | 'suspect_limit'

/** What is remembered of one device. */
export interface DeviceMarks {
  /** Its provider has called it gone: it is dead everywhere. */
  readonly gone: boolean
  /** At how many nodes it is taken for dead because it was refused too often there. */
  readonly suspectedAt: number
}

/** Devices that are taken for dead: gone, or refused too often at one node. */
export interface DeadDeviceStore {
  /** Whether nothing is to be pushed to the device by this node. */
  isDead(device: Device, domain: string, node: string): boolean
  marksOf(device: Device): DeviceMarks
  /** `domain` and `node`: where the device was met, so that a new registration there forgets it. */
  add(device: Device, domain: string, node: string, by: DeadBy): Promise<void>
  forget(device: Device): Promise<boolean>
  /** Forgets what was met at this node: it was made or enabled anew. How many. */
  forgetNode(domain: string, node: string): Promise<number>
  /** Forgets marks older than the store's ttl; how many. */
  sweep(): Promise<number>
  count(): number
}
