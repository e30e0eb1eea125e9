// The one or two letters that stand for a person, and the calm tint that goes with them. Pure.

export function initials(name: string): string {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, ' ').trim().split(/\s+/).filter(Boolean)
  const first = words[0] ?? '?'
  const last = words.length > 1 ? (words[words.length - 1] ?? '') : ''
  return (first.charAt(0) + last.charAt(0)).toLocaleUpperCase()
}

/** How many tints `Avatar.svelte` knows. */
const tintsCount = 6

export function tintOf(name: string): number {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973
  return sum % tintsCount
}
