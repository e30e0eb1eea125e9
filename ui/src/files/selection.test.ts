// Selecting by pointer and keyboard, and over a reload.
import { describe, expect, test } from 'vitest'
import { everything, kept, nothing, pick, type Selection, step } from './selection'

const rows = ['a', 'b', 'c', 'd', 'e']
const plain = { add: false, range: false }
const add = { add: true, range: false }
const range = { add: false, range: true }
const chosen = (state: Selection): string => [...state.keys].sort().join('')

describe('selecting rows', () => {
  test('a click selects one row and drops the others', () => {
    expect(chosen(pick(pick(nothing, rows, 0, plain), rows, 2, plain))).toBe('c')
  })
  test('ctrl-click adds and takes away', () => {
    const two = pick(pick(nothing, rows, 0, plain), rows, 2, add)
    expect(chosen(two)).toBe('ac')
    expect(chosen(pick(two, rows, 0, add))).toBe('c')
  })
  test('shift-click selects from the anchor, and again from the same anchor', () => {
    const down = pick(pick(nothing, rows, 2, plain), rows, 4, range)
    expect(chosen(down)).toBe('cde')
    expect(chosen(pick(down, rows, 0, range))).toBe('abc')
  })
  test('arrows move and select, and stop at both ends', () => {
    const first = step(nothing, rows, nothing.active + 1, plain)
    expect([first.active, chosen(first)]).toEqual([0, 'a'])
    expect(step(first, rows, -1, plain).active).toBe(0)
    expect(step(first, rows, 99, plain).active).toBe(4)
  })
  test('ctrl-arrow moves without selecting', () => {
    const moved = step(pick(nothing, rows, 0, plain), rows, 1, add)
    expect([moved.active, chosen(moved)]).toEqual([1, 'a'])
  })
  test('everything is everything', () => {
    expect(chosen(everything(nothing, rows))).toBe('abcde')
  })
  test('no rows, no step', () => {
    expect(step(nothing, [], 0, plain)).toBe(nothing)
  })
  test('a reload forgets deleted rows and follows the active one', () => {
    const state = pick(pick(nothing, rows, 1, plain), rows, 3, add)
    const after = kept(state, rows, ['c', 'd', 'e'])
    expect([chosen(after), after.active]).toEqual(['d', 1])
  })
  test('a deleted active row hands over to its neighbour', () => {
    const state = pick(nothing, rows, 4, plain)
    expect(kept(state, rows, ['a', 'b']).active).toBe(1)
    expect(kept(state, rows, []).active).toBe(-1)
  })
})
