// The tree as the list of its visible rows: easy to draw, and the arrow keys become index arithmetic. Pure.
import type { Folder } from '../api/folders'

export type Root =
  | { kind: 'home' | 'public'; id: string; folder: Folder }
  | { kind: 'shared'; id: string; children: readonly Folder[] }

export interface TreeRow {
  id: string
  kind: 'home' | 'shared' | 'public' | 'folder'
  title: string
  parent: string | null
  /** From 1, as ARIA counts. */
  level: number
  position: number
  siblings: number
  expandable: boolean
  expanded: boolean
  folder: Folder | null
}

export function flatten(
  roots: readonly Root[],
  children: ReadonlyMap<string, Folder[]>,
  expanded: ReadonlySet<string>,
): TreeRow[] {
  const rows: TreeRow[] = []
  const addAll = (folders: readonly Folder[], parent: string, level: number): void => {
    folders.forEach((folder, index) => {
      const open = expanded.has(folder.id)
      rows.push({
        id: folder.id,
        kind: 'folder',
        title: folder.title,
        parent,
        level,
        position: index + 1,
        siblings: folders.length,
        expandable: folder.hasSubfolders,
        expanded: open && folder.hasSubfolders,
        folder,
      })
      if (open) addAll(children.get(folder.id) ?? [], folder.id, level + 1)
    })
  }
  roots.forEach((root, index) => {
    const open = expanded.has(root.id)
    const inside = root.kind === 'shared' ? root.children : (children.get(root.id) ?? [])
    const folder = root.kind === 'shared' ? null : root.folder
    const expandable = folder ? folder.hasSubfolders || inside.length > 0 : inside.length > 0
    rows.push({
      id: root.id,
      kind: root.kind,
      title: folder?.title ?? '',
      parent: null,
      level: 1,
      position: index + 1,
      siblings: roots.length,
      expandable,
      expanded: open && expandable,
      folder,
    })
    if (open) addAll(inside, root.id, 2)
  })
  return rows
}

/** What an arrow key does on a row: go somewhere, open or close. */
export type TreeStep = { go: number } | { expand: string } | { collapse: string } | null

export function treeStep(rows: readonly TreeRow[], at: number, key: string): TreeStep {
  const row = rows[at]
  if (!row) return rows.length > 0 ? { go: 0 } : null
  switch (key) {
    case 'ArrowDown':
      return at + 1 < rows.length ? { go: at + 1 } : null
    case 'ArrowUp':
      return at > 0 ? { go: at - 1 } : null
    case 'Home':
      return { go: 0 }
    case 'End':
      return { go: rows.length - 1 }
    case 'ArrowRight':
      if (row.expandable && !row.expanded) return { expand: row.id }
      return row.expanded && rows[at + 1]?.parent === row.id ? { go: at + 1 } : null
    case 'ArrowLeft': {
      if (row.expanded) return { collapse: row.id }
      const parent = rows.findIndex((other) => other.id === row.parent)
      return parent >= 0 ? { go: parent } : null
    }
    default:
      return null
  }
}
