// Addresses there and back, and what becomes of broken ones.
import { expect, test } from 'vitest'
import { placeHash, readPlace } from './hash'

test.each(['#/', '#/files/12', '#/shared', '#/cluster', '#/settings'])('%s survives the way there and back', (hash) => {
  expect(placeHash(readPlace(hash))).toBe(hash)
})

test.each(['', '#', '#/nonsense', '#/files', '#/files/x1', '#/files/1;drop'])('%s leads home', (hash) => {
  expect(readPlace(hash)).toEqual({ page: 'home' })
})
