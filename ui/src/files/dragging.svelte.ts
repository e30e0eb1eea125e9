// Rows that are being dragged inside the window, and whether a folder would take them. The browser hides what a drag
// carries until it is dropped, so it is kept here.
import type { Folder } from '../api/folders'
import { mayCreateFiles, mayCreateFolders } from '../api/permissions'
import type { Item } from './items'

class Dragging {
  items = $state.raw<readonly Item[]>([])
  /** Where they come from. */
  #source = ''

  begin(items: readonly Item[], source: string): void {
    this.items = items
    this.#source = source
  }

  end(): void {
    this.items = []
  }

  fits(target: Folder | null | undefined): boolean {
    return this.items.length > 0 && target != null && takes(target, this.items, this.#source)
  }
}

/** Whether a folder may get these items from another one. */
export function takes(target: Folder, items: readonly Item[], source: string): boolean {
  if (target.id === source) return false
  return items.every((item) =>
    item.kind === 'file' ? mayCreateFiles(target.ownRights) : item.id !== target.id && mayCreateFolders(target.ownRights),
  )
}

export const dragging = new Dragging()
