// What the list shows: folders and files as rows of one shape, and how they are ordered. Pure.
import type { Folder } from '../api/folders'
import type { StoredFile } from '../api/infostore'
import { mayAdminister, mayChangeFile, mayDeleteFile } from '../api/permissions'

interface ItemBase {
  /** Unique in a list: folders and files count apart. */
  key: string
  id: string
  name: string
  modified: number
  modifiedBy: number
}

export interface FolderItem extends ItemBase {
  kind: 'folder'
  folder: Folder
}

export interface FileItem extends ItemBase {
  kind: 'file'
  file: StoredFile
}

export type Item = FolderItem | FileItem

export function folderItem(folder: Folder): FolderItem {
  const { id, modified, modifiedBy } = folder
  return { kind: 'folder', key: `d${id}`, id, name: folder.title, modified, modifiedBy, folder }
}

export function fileItem(file: StoredFile): FileItem {
  const { id, name, modified, modifiedBy } = file
  return { kind: 'file', key: `f${id}`, id, name, modified, modifiedBy, file }
}

export type SortColumn = 'name' | 'size' | 'modified' | 'by'

export interface Order {
  column: SortColumn
  descending: boolean
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Folders stay first whatever the direction; equal rows fall back to the name. */
export function sorted(items: readonly Item[], order: Order, nameOf: (user: number) => string): Item[] {
  const sign = order.descending ? -1 : 1
  const byName = (a: Item, b: Item): number => collator.compare(a.name, b.name)
  const compare = (a: Item, b: Item): number => {
    switch (order.column) {
      case 'name':
        return byName(a, b) * sign
      case 'size':
        return (sizeOf(a) - sizeOf(b)) * sign || byName(a, b)
      case 'modified':
        return (a.modified - b.modified) * sign || byName(a, b)
      case 'by':
        return collator.compare(nameOf(a.modifiedBy), nameOf(b.modifiedBy)) * sign || byName(a, b)
    }
  }
  const kindRank = (item: Item): number => (item.kind === 'folder' ? 0 : 1)
  return [...items].sort((a, b) => kindRank(a) - kindRank(b) || compare(a, b))
}

/** The order after a click on a column's heading: the same one turns round, another starts ascending. */
export function reordered(order: Order, column: SortColumn): Order {
  return { column, descending: order.column === column ? !order.descending : false }
}

function sizeOf(item: Item): number {
  return item.kind === 'file' ? item.file.sizeBytes : 0
}

/** What I may do with an item, from my rights in the folder that holds it (files) or on it (folders). */
export function mayChange(item: Item, holderRights: number, me: number): boolean {
  if (item.kind === 'file') return mayChangeFile(holderRights, item.file.createdBy, me)
  return !item.folder.standard && mayAdminister(item.folder.ownRights)
}

/** Deleting and moving away need the same right. */
export function mayRemove(item: Item, holderRights: number, me: number): boolean {
  if (item.kind === 'file') return mayDeleteFile(holderRights, item.file.createdBy, me)
  return !item.folder.standard && mayAdminister(item.folder.ownRights)
}
