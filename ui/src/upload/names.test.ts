// Names beside taken ones.
import { expect, test } from 'vitest'
import { freeName } from './names'

test.each([
  ['report.pdf', [], 'report.pdf'],
  ['report.pdf', ['report.pdf'], 'report (2).pdf'],
  ['report.pdf', ['Report.PDF', 'report (2).pdf'], 'report (3).pdf'],
  ['.profile', ['.profile'], '.profile (2)'],
  ['README', ['README'], 'README (2)'],
])('%s beside %j becomes %s', (name, taken, free) => expect(freeName(name, new Set(taken))).toBe(free))
