// The permission integer against the values that the HTTP API documents.
import { describe, expect, test } from 'vitest'
import { decode, encode, folderLevels, mayCreateFiles, mayCreateFolders, mayReadFiles, objectLevels, ownerBits, roleBits, roleOf, roles } from './permissions'

describe('permission bits', () => {
  test('every combination of levels survives the way there and back', () => {
    for (const folder of folderLevels)
      for (const read of objectLevels)
        for (const write of objectLevels)
          for (const remove of objectLevels)
            for (const admin of [false, true]) {
              const rights = { folder, read, write, delete: remove, admin }
              expect(decode(encode(rights))).toEqual(rights)
            }
  })

  test.each([
    ['viewer', { folder: 1, read: 2, write: 0, delete: 0, admin: false }],
    ['reviewer', { folder: 1, read: 2, write: 2, delete: 0, admin: false }],
    ['author', { folder: 4, read: 2, write: 2, delete: 2, admin: false }],
    ['admin', { folder: 4, read: 2, write: 2, delete: 2, admin: true }],
  ] as const)('%s has exactly its rights', (role, rights) => {
    expect(decode(roleBits[role])).toEqual(rights)
  })

  test('the owner has every part at its maximum', () => {
    expect(encode({ folder: 64, read: 64, write: 64, delete: 64, admin: true })).toBe(ownerBits)
  })

  test('a number is named after its role, and any other is custom', () => {
    for (const role of roles) expect(roleOf(roleBits[role])).toBe(role)
    expect(roleOf(ownerBits)).toBe('owner')
    expect(roleOf(roleBits.viewer + 1)).toBe('custom')
    expect(roleOf(0)).toBe('custom')
  })

  test('seeing a folder is neither reading nor adding', () => {
    const seeOnly = encode({ folder: 1, read: 0, write: 0, delete: 0, admin: false })
    expect([mayReadFiles(seeOnly), mayCreateFiles(seeOnly), mayCreateFolders(seeOnly)]).toEqual([false, false, false])
  })

  test('adding files does not mean adding subfolders', () => {
    const adds = encode({ folder: 2, read: 0, write: 0, delete: 0, admin: false })
    expect([mayCreateFiles(adds), mayCreateFolders(adds)]).toEqual([true, false])
  })
})
