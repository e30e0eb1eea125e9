// Which rows of a long list are drawn.
import { expect, test } from 'vitest'
import { rowsInSight, scrolledTo } from './window'

test('ten thousand rows cost no more than a screen of them', () => {
  const { start, end } = rowsInSight(200_000, 800, 48, 10_000)
  expect(end - start).toBeLessThan(40)
  expect(start * 48).toBeLessThanOrEqual(200_000)
  expect(end * 48).toBeGreaterThanOrEqual(200_800)
})

test('the window never leaves the list', () => {
  expect(rowsInSight(-50, 800, 48, 3)).toEqual({ start: 0, end: 3 })
  const past = rowsInSight(99_999, 800, 48, 3)
  expect(past.start).toBeLessThanOrEqual(past.end)
})

test('scrolling moves only as far as the row needs', () => {
  expect(scrolledTo(5, 0, 480, 48)).toBe(0)
  expect(scrolledTo(10, 0, 480, 48)).toBe(48)
  expect(scrolledTo(2, 480, 480, 48)).toBe(96)
})
