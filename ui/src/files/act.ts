// What people do with items, as calls to the server with their messages. Each answers whether it worked.
import { createFolder, deleteFolders, type Folder, moveFolder, renameFolder } from '../api/folders'
import { changeFile, checkFile, contentAddress, deleteFiles, type StoredFile } from '../api/infostore'
import { t } from '../strings'
import { toasts } from '../toast/toasts.svelte'
import type { Item } from './items'
import { listing } from './listing.svelte'
import { workspace } from './workspace.svelte'

/** Several downloads at once need a moment between them, or browsers drop all but the last. */
const downloadPauseMs = 400

/** Asks first whether the file may still be read: the browser would save an error as if it were the file. */
export async function download(file: StoredFile, version?: number): Promise<void> {
  try {
    await checkFile(file)
  } catch (error) {
    toasts.error(error)
    return workspace.refresh()
  }
  const link = document.createElement('a')
  link.href = contentAddress(file, 'attachment', version)
  link.download = file.name
  link.click()
}

export async function downloadAll(items: readonly Item[]): Promise<void> {
  for (const item of items) {
    if (item.kind !== 'file') continue
    await download(item.file)
    await new Promise((resolve) => setTimeout(resolve, downloadPauseMs))
  }
}

/** The two of the name dialog: they throw, and the dialog shows it over what is true now. */
export async function makeFolder(title: string): Promise<void> {
  try {
    await createFolder(listing.id, title)
  } finally {
    await workspace.refresh()
  }
}

export async function rename(item: Item, name: string): Promise<void> {
  try {
    if (item.kind === 'folder') await renameFolder(item.id, name, changeToken(item))
    else await changeFile(item.id, { filename: name, title: name }, changeToken(item))
  } finally {
    await workspace.refresh()
  }
}

export function move(items: readonly Item[], target: Folder): Promise<boolean> {
  return workspace.change(async () => {
    for (const item of items) {
      if (item.kind === 'folder') await moveFolder(item.id, target.id, changeToken(item))
      else await changeFile(item.id, { folder: target.id }, changeToken(item))
    }
    toasts.news(items.length === 1 && items[0] ? t.list.movedOne(items[0].name, target.title) : t.list.moved(items.length, target.title))
  })
}

export function remove(items: readonly Item[]): Promise<boolean> {
  const folders = items.filter((item) => item.kind === 'folder')
  const files = items.flatMap((item) => (item.kind === 'file' ? [item.file] : []))
  return workspace.change(async () => {
    const token = Math.max(listing.timestamp, ...items.map((item) => item.modified))
    const left = files.length > 0 ? await deleteFiles(files, token) : 0
    if (folders.length > 0) await deleteFolders(folders.map((item) => item.id), token)
    if (left > 0) toasts.news(t.list.leftChanged(left))
    else toasts.news(items.length === 1 && items[0] ? t.list.deletedOne(items[0].name) : t.list.deleted(items.length))
  })
}

/** Names the state we saw: a write is refused if the item changed after it. */
function changeToken(item: Item): number {
  return Math.max(listing.timestamp, item.modified)
}
