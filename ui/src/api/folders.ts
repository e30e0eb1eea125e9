// The folders module: the tree, folder writes and permissions.
import { get, put } from './client'
import { columnList, type ColumnTable, readRow } from './columns'
import { type Answer, anyChange } from './envelope'
import type { Permission } from './permissions'

export interface Folder {
  id: string
  parent: string
  title: string
  createdBy: number
  modifiedBy: number
  /** Milliseconds since the epoch. */
  created: number
  modified: number
  hasSubfolders: boolean
  /** My effective rights, as permission bits. */
  ownRights: number
  permissions: Permission[]
  /** A user's personal folder: it cannot be renamed, moved or deleted. */
  standard: boolean
  /** Display name of the owner, where the server knows one. */
  ownerName: string
}

/** Ids that are the same in every context. */
export const fixed = { infostore: '9', userstore: '10', others: '14', public: '15' } as const

const columns: ColumnTable = [
  [1, 'id'],
  [2, 'created_by'],
  [3, 'modified_by'],
  [4, 'creation_date'],
  [5, 'last_modified'],
  [20, 'folder_id'],
  [300, 'title'],
  [304, 'subfolders'],
  [305, 'own_rights'],
  [306, 'permissions'],
  [308, 'standard_folder'],
  [3030, 'displayName'],
]

export async function folder(id: string): Promise<Answer<Folder>> {
  const answer = await get<Record<string, unknown>>('folders', 'get', { params: { id } })
  return { ...answer, data: toFolder(answer.data) }
}

/** The subfolders that I may see. */
export async function subfolders(parent: string): Promise<Answer<Folder[]>> {
  const answer = await get<unknown[][]>('folders', 'list', { params: { parent, columns: columnList(columns) } })
  return { ...answer, data: answer.data.map((row) => toFolder(readRow(columns, row))) }
}

/** The folder itself and its visible parents, up to the root. */
export async function path(id: string): Promise<Folder[]> {
  const answer = await get<unknown[][]>('folders', 'path', { params: { id, columns: columnList(columns) } })
  return answer.data.map((row) => toFolder(readRow(columns, row)))
}

/** Whether anything below the parent changed since the timestamp. */
export async function subfoldersChanged(parent: string, timestamp: number): Promise<boolean> {
  return anyChange(() => get<unknown[]>('folders', 'updates', { params: { parent, timestamp, columns: '1' } }))
}

/** Makes a folder of which I am the administrator; answers its id. */
export async function createFolder(parent: string, title: string): Promise<string> {
  const answer = await put<string | number>('folders', 'new', {
    params: { folder_id: parent },
    body: { title, module: 'infostore' },
  })
  return String(answer.data)
}

export async function renameFolder(id: string, title: string, timestamp: number): Promise<void> {
  await put('folders', 'update', { params: { id, timestamp }, body: { title } })
}

export async function moveFolder(id: string, parent: string, timestamp: number): Promise<void> {
  await put('folders', 'update', { params: { id, timestamp }, body: { folder_id: parent } })
}

/** Replaces the permissions; with `cascade`, those of all subfolders too. */
export async function setPermissions(
  id: string,
  permissions: Permission[],
  cascade: boolean,
  timestamp: number,
): Promise<void> {
  await put('folders', 'update', {
    params: { id, timestamp, cascadePermissions: cascade || undefined },
    body: { permissions },
  })
}

/** Throws on the first folder that cannot be deleted. */
export async function deleteFolders(ids: string[], timestamp: number): Promise<void> {
  await put('folders', 'delete', { params: { timestamp, failOnError: true }, body: ids })
}

function toFolder(raw: Record<string, unknown>): Folder {
  return {
    id: String(raw.id),
    parent: String(raw.folder_id ?? ''),
    title: String(raw.title ?? ''),
    createdBy: Number(raw.created_by ?? 0),
    modifiedBy: Number(raw.modified_by ?? 0),
    created: Number(raw.creation_date ?? 0),
    modified: Number(raw.last_modified ?? 0),
    hasSubfolders: raw.subfolders === true,
    ownRights: Number(raw.own_rights ?? 0),
    permissions: Array.isArray(raw.permissions) ? (raw.permissions as Permission[]) : [],
    standard: raw.standard_folder === true,
    ownerName: String(raw.displayName ?? ''),
  }
}
