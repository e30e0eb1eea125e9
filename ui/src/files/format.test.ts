// Sizes, durations and dates as people read them.
import { expect, test } from 'vitest'
import { dateText, durationText, sizeText } from './format'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 KB'],
  [1_540_000, '1.5 MB'],
  [250_000_000, '250 MB'],
  [3e15, '3,000 TB'],
])('%d bytes read %s', (bytes, text) => expect(sizeText(bytes)).toBe(text))

test.each([
  [40_000, '40 s'],
  [12 * 60_000, '12 min'],
  [252 * 60_000, '4 h 12 min'],
  [76 * 3_600_000, '3 d 4 h'],
])('%d ms read %s', (ms, text) => expect(durationText(ms)).toBe(text))

test('dates get shorter the longer ago they are', () => {
  const now = new Date(2026, 10, 22, 15, 0).getTime()
  expect(dateText(new Date(2026, 10, 22, 9, 5).getTime(), now)).toBe('Today, 09:05')
  expect(dateText(new Date(2026, 10, 21, 23, 59).getTime(), now)).toBe('Yesterday, 23:59')
  expect(dateText(new Date(2026, 2, 1).getTime(), now)).toBe('1 Mar')
  expect(dateText(new Date(2024, 2, 1).getTime(), now)).toBe('1 Mar 2024')
  expect(dateText(0, now)).toBe('')
})
