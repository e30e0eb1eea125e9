// The list of a share dialog while it is edited: entries with names, and the rules that a save keeps. Pure.
import { decode, type Permission, roleBits } from '../api/permissions'

export interface Entry extends Permission {
  name: string
  email: string
  /** Small print under the name: that it is a group, or oneself. */
  hint: string
}

export const entryKey = (entry: { entity: number; group: boolean }): string => `${entry.group ? 'g' : 'u'}${entry.entity}`

/** A new one begins as a viewer; one that is there already stays as it is. */
export function added(entries: readonly Entry[], found: Omit<Entry, 'bits'>): Entry[] {
  if (entries.some((entry) => entryKey(entry) === entryKey(found))) return [...entries]
  return [...entries, { ...found, bits: roleBits.viewer }]
}

export function without(entries: readonly Entry[], key: string): Entry[] {
  return entries.filter((entry) => entryKey(entry) !== key)
}

export function withBits(entries: readonly Entry[], key: string, bits: number): Entry[] {
  return entries.map((entry) => (entryKey(entry) === key ? { ...entry, bits } : entry))
}

/** The server refuses a folder that nobody can administer; the dialog says it before. */
export function hasAdmin(entries: readonly Entry[]): boolean {
  return entries.some((entry) => decode(entry.bits).admin)
}

export function toPermissions(entries: readonly Entry[]): Permission[] {
  return entries.map(({ entity, group, bits }) => ({ entity, group, bits }))
}

export function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  const text = (entries: readonly Entry[]): string => JSON.stringify(entries.map((entry) => [entryKey(entry), entry.bits]))
  return text(a) === text(b)
}
