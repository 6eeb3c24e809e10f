import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fileNotes } from '../../../src/main/config/file-notes.ts'
import { lostStoreFault } from '../../../src/main/store/store-marker.ts'
import { dataDirFault, makeDirectory, ownUser, placeFault } from '../../../src/main/store/store-place.ts'
import { openStore, scratchDirectory } from './open-store.ts'

const own = ownUser()

describe('data_dir and store.mdb are the daemon’s alone', () => {
  test.each(['', '/'])(
    'a data_dir that is a symbolic link is refused, written with %j at its end',
    async (end) => {
      using dir = scratchDirectory()
      mkdirSync(join(dir.path, 'real'), { mode: 0o700 })
      const link = join(dir.path, 'link')
      symlinkSync('real', link)
      await expect(openStore(link + end)).rejects.toMatchObject({
        code: 'exposed',
        transient: false,
        message: `data_dir: ${link} is a symbolic link: name the directory that it points to`,
      })
    },
  )

  test('a store.mdb that is a symbolic link is refused, and what it points to left alone', async () => {
    using dir = scratchDirectory()
    const target = join(dir.path, 'elsewhere')
    writeFileSync(target, '')
    const data = join(dir.path, 'data')
    mkdirSync(data)
    symlinkSync(target, join(data, 'store.mdb'))
    await expect(openStore(data)).rejects.toMatchObject({ code: 'exposed' })
    expect(statSync(target).size).toBe(0)
  })

  test.each([
    ['by others', 0o702, 0, 'can be written by others (mode 0702): chmod go-w'],
    ['by a group that is not the daemon’s', 0o720, 1, 'can be written by others (mode 0720): chmod go-w'],
    ['by the daemon’s group', 0o770, 0, undefined],
    ['by nobody else, though others may look in', 0o755, 1, undefined],
  ])('a directory or file that can be written %s is a fault, or none', (_, mode, otherGroup, fault) => {
    using dir = scratchDirectory()
    const file = join(dir.path, 'file')
    writeFileSync(file, '')
    for (const [path, kind] of [
      [dir.path, 'directory'],
      [file, 'file'],
    ] as const) {
      chmodSync(path, mode)
      const user = { uid: own.uid, gid: own.gid + otherGroup }
      expect(placeFault(path, kind, user)).toBe(fault === undefined ? undefined : `${path} ${fault}`)
    }
  })

  test('another user’s is a fault, which names both users', () => {
    using dir = scratchDirectory()
    expect(placeFault(dir.path, 'directory', { uid: own.uid + 1, gid: own.gid })).toBe(
      `${dir.path} belongs to the user with uid ${own.uid}, and this runs for the user with uid ${own.uid + 1}: ` +
        "chown it to the daemon's user, or run this as the daemon's user",
    )
  })

  test('a data_dir or store that others can write is refused', async () => {
    using dir = scratchDirectory()
    await (await openStore(dir.path)).close()
    chmodSync(join(dir.path, 'store.mdb'), 0o666)
    await expect(openStore(dir.path)).rejects.toMatchObject({ code: 'exposed' })
    chmodSync(join(dir.path, 'store.mdb'), 0o600)
    chmodSync(dir.path, 0o777)
    await expect(openStore(dir.path)).rejects.toMatchObject({ code: 'exposed' })
    chmodSync(dir.path, 0o700)
    await (await openStore(dir.path)).close()
  })
})

describe('a data_dir that cannot be looked at', () => {
  test('because a part of its path is a file is a fault, and no bug', () => {
    using dir = scratchDirectory()
    const file = join(dir.path, 'file')
    writeFileSync(file, '')
    const path = join(file, 'data')
    expect(dataDirFault(path, own)).toBe(
      `data_dir: ${path} has a file in its path where a directory has to be`,
    )
    expect(fileNotes([], path, own)).toEqual([])
    expect(lostStoreFault(path)).toBeUndefined()
  })

  // Only root can become somebody else.
  test.skipIf(own.uid !== 0)('by the user who runs check is a fault that says so, and no bug', () => {
    using dir = scratchDirectory()
    chmodSync(dir.path, 0o700)
    const path = join(dir.path, 'data')
    const stranger = { uid: 65_534, gid: 65_534 }
    process.seteuid?.(stranger.uid)
    try {
      expect(dataDirFault(path, stranger)).toBe(
        `data_dir: ${path} cannot be seen by the user with uid 65534: run this as root or as the daemon's user`,
      )
      expect(fileNotes([], path, stranger)).toEqual([])
      expect(lostStoreFault(path)).toBeUndefined()
    } finally {
      process.seteuid?.(0)
    }
  })
})

describe('a data_dir that is not there', () => {
  test('is made with all above it, for the daemon alone', () => {
    using dir = scratchDirectory()
    const path = join(dir.path, 'a/b/c')
    makeDirectory(path)
    for (const made of ['a', 'a/b', 'a/b/c']) expect(statSync(join(dir.path, made)).mode & 0o777).toBe(0o700)
    makeDirectory(path)
  })

  test('and cannot be made is said at once', async () => {
    await expect(openStore('/proc/nope/data')).rejects.toMatchObject({ code: 'io', transient: true })
  })
})

describe('the lock', () => {
  test.skipIf(own.uid !== 0)(
    'heeds sockets of the daemon’s user only, and leaves those of others',
    async () => {
      using dir = scratchDirectory()
      const foreign = join(dir.path, 'lock-1-foreign.sock')
      const server = createServer((socket) => socket.destroy())
      await new Promise<void>((resolve) => server.listen(foreign, resolve))
      await expect(openStore(dir.path)).rejects.toMatchObject({ code: 'locked' })
      chownSync(foreign, 65_534, 65_534)
      await (await openStore(dir.path)).close()
      await new Promise<void>((resolve, reject) => {
        connect(foreign)
          .once('connect', () => resolve())
          .once('error', reject)
      })
      server.close()
    },
  )
})
