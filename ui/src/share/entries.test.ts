// The share dialog’s list while it is edited.
import { expect, test } from 'vitest'
import { ownerBits, roleBits } from '../api/permissions'
import { added, type Entry, hasAdmin, sameEntries, toPermissions, withBits, without } from './entries'

const anna: Entry = { entity: 3, group: false, bits: ownerBits, name: 'Anna', email: '', hint: '' }
const ben = { entity: 4, group: false, name: 'Ben', email: '', hint: '' }

test('somebody new begins as a viewer', () => {
  expect(added([anna], ben)[1]?.bits).toBe(roleBits.viewer)
})

test('adding somebody twice changes nothing', () => {
  expect(added([anna], { ...anna })).toEqual([anna])
})

test('a user and a group of the same number are two entries', () => {
  const both = added(added([anna], ben), { ...ben, group: true, name: 'Team' })
  expect(both.length).toBe(3)
  expect(without(both, 'g4').map((entry) => entry.name)).toEqual(['Anna', 'Ben'])
})

test('a folder without an administrator is noticed', () => {
  expect(hasAdmin([anna])).toBe(true)
  expect(hasAdmin(withBits([anna], 'u3', roleBits.author))).toBe(false)
})

test('names and hints are not sent', () => {
  expect(toPermissions([anna])).toEqual([{ entity: 3, group: false, bits: ownerBits }])
})

test('a change there and back is no change', () => {
  const there = withBits([anna], 'u3', roleBits.admin)
  expect(sameEntries([anna], there)).toBe(false)
  expect(sameEntries([anna], withBits(there, 'u3', ownerBits))).toBe(true)
})
