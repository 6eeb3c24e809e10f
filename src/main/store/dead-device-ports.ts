import type { Device } from '../../core/notification.ts'

/** Why a device is dead: its provider reported it as gone, or refused it too often in a row. */
export type DeadBy = 'provider' | 'suspect_limit'

/** The marks of one device. */
export interface DeviceMarks {
  /** The provider reported the device as gone: it is dead everywhere. */
  readonly gone: boolean
  /** At how many nodes the device is dead because the provider refused it too often there. */
  readonly suspectedAt: number
}

/** Dead devices: reported as gone, or refused too often at one node. */
export interface DeadDeviceStore {
  /** Whether the device is dead for this node. */
  isDead(device: Device, domain: string, node: string): boolean
  marksOf(device: Device): DeviceMarks
  /** `domain` and `node`: where the mark was made; a new registration there removes it. */
  add(device: Device, domain: string, node: string, by: DeadBy): Promise<void>
  forget(device: Device): Promise<boolean>
  /** Removes the marks of this node, which was created or enabled again. Resolves to their number. */
  forgetNode(domain: string, node: string): Promise<number>
  /** Removes marks older than the store's ttl. Resolves to their number. */
  sweep(): Promise<number>
  count(): number
}
