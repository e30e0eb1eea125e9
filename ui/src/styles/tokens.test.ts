// Reads the tokens as the browser does and checks the pairs that text and signs are drawn in (WCAG 2.2 AA).
import { describe, expect, test } from 'vitest'
import css from './tokens.css?raw'

function token(name: string, theme: 'light' | 'dark'): string {
  const found = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(css)
  const value = found?.[theme === 'light' ? 1 : 2]
  if (!value) throw new Error(`no token --${name}`)
  return value
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

const text = [
  ['text', 'surface'],
  ['text', 'ground'],
  ['text', 'raised'],
  ['text', 'accent-soft'],
  ['text', 'hover'],
  ['text', 'danger-soft'],
  ['muted', 'surface'],
  ['muted', 'ground'],
  ['muted', 'raised'],
  ['muted', 'hover'],
  ['muted', 'sunken'],
  ['muted', 'accent-soft'],
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
  ['accent-strong', 'accent-soft'],
  ['accent-strong', 'surface'],
  ['on-danger', 'danger'],
  ['danger', 'surface'],
  ['danger', 'raised'],
  ['warn', 'warn-soft'],
  ['good', 'good-soft'],
] as const

const signs = [
  ['accent', 'surface'],
  ['accent', 'raised'],
  ['accent', 'ground'],
  ['line-strong', 'surface'],
  ['line-strong', 'raised'],
] as const

describe.each(['light', 'dark'] as const)('the %s theme', (theme) => {
  test.each(text)('%s on %s reads well', (front, back) => {
    expect(contrast(token(front, theme), token(back, theme))).toBeGreaterThanOrEqual(4.5)
  })
  test.each(signs)('%s on %s can be made out', (front, back) => {
    expect(contrast(token(front, theme), token(back, theme))).toBeGreaterThanOrEqual(3)
  })
})
