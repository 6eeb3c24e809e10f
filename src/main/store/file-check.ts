import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { endianness } from 'node:os'
import { StoreError } from './store-error.ts'

/**
 * Looks at a file before LMDB maps it: lmdb ends the process (a segmentation fault) on a file that is
 * not its own or was cut off. Checked is what costs two reads: the two meta pages at the beginning and
 * that the roots of the newer one lie within the file. Offsets are those of LMDB's data format 2 on a
 * 64-bit machine: a page header of 24 bytes, then MDB_meta.
 */
const offsets = { magic: 24, version: 28, pageSize: 48, freeRoot: 88, mainRoot: 136, transaction: 152 }
const metaBytes = 160
const magic = 0xbeefc0de
const dataVersion = 2
const noPage = 0xffff_ffff_ffff_ffffn
const littleEndian = endianness() === 'LE'

/** @throws StoreError `corrupt` or `version`; what the file system says when it cannot be read */
export function checkStoreFile(file: string): void {
  if (!existsSync(file)) return
  const fd = openSync(file, 'r')
  try {
    const { size } = fstatSync(fd)
    if (size > 0) checkMeta(file, fd, size)
  } finally {
    closeSync(fd)
  }
}

function checkMeta(file: string, fd: number, size: number): void {
  const first = readMeta(fd, 0)
  if (first?.getUint32(offsets.magic, littleEndian) !== magic) throw damaged(file, 'is not an LMDB file')
  const version = first.getUint32(offsets.version, littleEndian) & 0xffff
  if (version !== dataVersion) {
    throw new StoreError(
      'version',
      `${file} has LMDB data format ${version}, this version reads ${dataVersion}`,
    )
  }
  const pageSize = first.getUint32(offsets.pageSize, littleEndian)
  const second = readMeta(fd, pageSize)
  if (second === undefined) throw damaged(file, 'is cut off')
  const newer = transactionOf(second) > transactionOf(first) ? second : first
  for (const offset of [offsets.freeRoot, offsets.mainRoot]) {
    const page = newer.getBigUint64(offset, littleEndian)
    if (page !== noPage && (page + 1n) * BigInt(pageSize) > BigInt(size)) throw damaged(file, 'is cut off')
  }
}

function readMeta(fd: number, position: number): DataView | undefined {
  const bytes = new Uint8Array(metaBytes)
  return readSync(fd, bytes, 0, metaBytes, position) === metaBytes ? new DataView(bytes.buffer) : undefined
}

function transactionOf(meta: DataView): bigint {
  return meta.getBigUint64(offsets.transaction, littleEndian)
}

function damaged(file: string, how: string): StoreError {
  return new StoreError(
    'corrupt',
    `${file} ${how}: restore a backup; or move it and store.json away, to start with an empty store`,
  )
}
