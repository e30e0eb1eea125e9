// What a user finds, from what the server says they have.
import { describe, expect, test, vi } from 'vitest'
import type { Folder } from './folders'
import { allowed, nothingAllowed } from './capabilities'
import { roleBits } from './permissions'
import { commandsFor } from '../files/commands'
import { folderItem } from '../files/items'
import { itemMenu } from '../files/itemMenu'
import { t } from '../strings'
import { FolderTree } from '../tree/model.svelte'

// It reaches for the page it is in; nothing is downloaded here.
vi.mock('../files/act', () => ({ downloadAll: () => undefined }))

describe('what there is for a user', () => {
  test('each part needs its own capability', () => {
    const all = new Set(['infostore', 'read_create_shared_folders', 'cluster', 'webdav'])
    expect(allowed(all)).toEqual({ files: true, sharing: true, cluster: true })
    expect(allowed(new Set(['infostore']))).toEqual({ files: true, sharing: false, cluster: false })
    expect(allowed(new Set(['read_create_shared_folders']))).toEqual(nothingAllowed)
    expect(allowed(new Set())).toEqual(nothingAllowed)
  })

  test('without sharing a folder of mine has no such action, neither in the bar nor in the menu', () => {
    const item = folderItem({ id: '30', title: 'Plans', ownRights: roleBits.admin, standard: false } as Folder)
    const labels = (sharing: boolean): string[] => {
      const commands = commandsFor([item], roleBits.admin, 3, sharing)
      expect(commands.share !== undefined).toBe(sharing)
      expect(commands.rename).toBeDefined()
      return itemMenu([item], commands, () => {}, () => {}).map((entry) => entry.label)
    }
    expect(labels(true)).toContain(t.actions.share)
    expect(labels(false)).not.toContain(t.actions.share)
  })

  test('without sharing the tree has no root for what others share', () => {
    expect(new FolderTree(3, true).rows.map((row) => row.kind)).toEqual(['shared'])
    expect(new FolderTree(3, false).rows).toEqual([])
  })
})
