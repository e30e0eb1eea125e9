// The tree as rows, and the arrow keys on them.
import { describe, expect, test } from 'vitest'
import type { Folder } from '../api/folders'
import { flatten, treeStep } from './rows'

const folder = (id: string, title: string, hasSubfolders = false): Folder => ({ id, title, hasSubfolders }) as Folder
const roots = [
  { kind: 'home', id: '20', folder: folder('20', 'Anna', true) },
  { kind: 'shared', id: 'shared', children: [folder('40', 'Ben’s')] },
] as const
const children = new Map([
  ['20', [folder('21', 'Photos', true), folder('22', 'Work')]],
  ['21', [folder('23', 'Summer')]],
])
const rows = flatten(roots, children, new Set(['20', '21']))

describe('the rows of the tree', () => {
  test('open folders show what is in them, closed ones do not', () => {
    expect(rows.map((row) => `${row.level} ${row.id}`)).toEqual(['1 20', '2 21', '3 23', '2 22', '1 shared'])
  })

  test('each row knows its place among its siblings', () => {
    expect(rows.map((row) => `${row.position}/${row.siblings}`)).toEqual(['1/2', '1/2', '1/1', '2/2', '2/2'])
  })

  test.each([
    ['ArrowDown', 0, { go: 1 }],
    ['ArrowDown', 4, null],
    ['ArrowUp', 0, null],
    ['ArrowRight', 1, { go: 2 }],
    ['ArrowRight', 4, { expand: 'shared' }],
    ['ArrowLeft', 1, { collapse: '21' }],
    ['ArrowLeft', 2, { go: 1 }],
    ['ArrowLeft', 4, null],
    ['End', 0, { go: 4 }],
    ['x', 0, null],
  ] as const)('%s on row %d', (key, at, expected) => expect(treeStep(rows, at, key)).toEqual(expected))
})
