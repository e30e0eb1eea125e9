// The order of the list, and what may be done with its rows.
import { describe, expect, test } from 'vitest'
import type { Folder } from '../api/folders'
import type { StoredFile } from '../api/infostore'
import { roleBits } from '../api/permissions'
import { fileItem, folderItem, type Item, mayChange, mayRemove, reordered, sorted } from './items'

const file = (id: string, name: string, sizeBytes = 0, modified = 0, modifiedBy = 3): Item =>
  fileItem({ id, name, sizeBytes, modified, modifiedBy, createdBy: 3 } as StoredFile)
const folder = (id: string, title: string, over: Partial<Folder> = {}): Item =>
  folderItem({ id, title, modified: 0, modifiedBy: 3, standard: false, ownRights: roleBits.admin, ...over } as Folder)

const names = (items: Item[]): string[] => items.map((item) => item.name)
const people: Record<number, string> = { 3: 'Anna', 4: 'Ben' }
const nameOf = (user: number): string => people[user] ?? ''

describe('the order of the list', () => {
  test('numbers in names count as numbers and case does not matter', () => {
    const items = [file('1', 'scan 10.pdf'), file('2', 'Scan 9.pdf'), file('3', 'apple')]
    expect(names(sorted(items, { column: 'name', descending: false }, nameOf))).toEqual(['apple', 'Scan 9.pdf', 'scan 10.pdf'])
  })

  test('folders stay first in both directions', () => {
    const items = [file('1', 'a'), folder('2', 'b'), folder('3', 'c')]
    expect(names(sorted(items, { column: 'name', descending: false }, nameOf))).toEqual(['b', 'c', 'a'])
    expect(names(sorted(items, { column: 'name', descending: true }, nameOf))).toEqual(['c', 'b', 'a'])
  })

  test('equal sizes fall back to the name', () => {
    const items = [file('1', 'b', 5), file('2', 'a', 5), file('3', 'c', 9)]
    expect(names(sorted(items, { column: 'size', descending: true }, nameOf))).toEqual(['c', 'a', 'b'])
  })

  test('people are ordered by name, not by id', () => {
    const items = [file('1', 'x', 0, 0, 4), file('2', 'y', 0, 0, 3)]
    expect(names(sorted(items, { column: 'by', descending: false }, nameOf))).toEqual(['y', 'x'])
  })

  test('a second click on a heading turns the order round', () => {
    const once = reordered({ column: 'name', descending: false }, 'size')
    expect(once).toEqual({ column: 'size', descending: false })
    expect(reordered(once, 'size')).toEqual({ column: 'size', descending: true })
  })
})

describe('what may be done with an item', () => {
  const own = 1 << 14
  test('"own" covers only what I made', () => {
    expect(mayChange(file('1', 'a'), own, 3)).toBe(true)
    expect(mayChange(file('1', 'a'), own, 4)).toBe(false)
  })
  test('a viewer may not remove a file and an author may', () => {
    expect(mayRemove(file('1', 'a'), roleBits.viewer, 3)).toBe(false)
    expect(mayRemove(file('1', 'a'), roleBits.author, 4)).toBe(true)
  })
  test('a personal folder stays even for its owner', () => {
    expect(mayRemove(folder('1', 'Anna'), 0, 3)).toBe(true)
    expect(mayRemove(folder('1', 'Anna', { standard: true }), 0, 3)).toBe(false)
  })
})
