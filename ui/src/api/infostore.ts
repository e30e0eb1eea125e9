// The infostore module: files, their versions and their bytes. Uploads are in upload/transfer.ts, for their progress.
import { address, get, put } from './client'
import { columnList, type ColumnTable, readRow } from './columns'
import { type Answer, anyChange } from './envelope'

export interface StoredFile {
  id: string
  folder: string
  /** Shown in lists: the file's name, or the title of an entry without a file. */
  name: string
  mime: string
  sizeBytes: number
  createdBy: number
  modifiedBy: number
  /** Milliseconds since the epoch. */
  created: number
  modified: number
  description: string
  version: number
  versionsCount: number
  versionComment: string
  isCurrent: boolean
  /** 0, or the moment until which somebody holds the lock. */
  lockedUntil: number
}

const columns: ColumnTable = [
  [1, 'id'],
  [2, 'created_by'],
  [3, 'modified_by'],
  [4, 'creation_date'],
  [5, 'last_modified'],
  [20, 'folder_id'],
  [700, 'title'],
  [702, 'filename'],
  [703, 'file_mimetype'],
  [704, 'file_size'],
  [705, 'version'],
  [706, 'description'],
  [707, 'locked_until'],
  [709, 'version_comment'],
  [710, 'current_version'],
  [711, 'number_of_versions'],
]

export async function files(folder: string): Promise<Answer<StoredFile[]>> {
  const params = { folder, columns: columnList(columns), sort: 702, order: 'asc', timezone: 'UTC' }
  const answer = await get<unknown[][]>('infostore', 'all', { params })
  return { ...answer, data: answer.data.map((row) => toFile(readRow(columns, row))) }
}

/** Throws if I may not read the file, or not any more. */
export async function checkFile(file: StoredFile): Promise<void> {
  await get('infostore', 'get', { params: { id: file.id, folder: file.folder } })
}

export async function filesChanged(folder: string, timestamp: number): Promise<boolean> {
  return anyChange(() => get<unknown[]>('infostore', 'updates', { params: { folder, timestamp, columns: '1' } }))
}

/** Newest first. */
export async function versions(id: string): Promise<StoredFile[]> {
  const params = { id, columns: columnList(columns), timezone: 'UTC' }
  const answer = await get<unknown[][]>('infostore', 'versions', { params })
  return answer.data.map((row) => toFile(readRow(columns, row))).sort((a, b) => b.version - a.version)
}

/** Changes of a file's own data; `folder` moves it. */
export interface FileChange {
  filename?: string
  title?: string
  description?: string
  folder?: string
}

export async function changeFile(id: string, change: FileChange, timestamp: number): Promise<void> {
  const { folder, ...rest } = change
  await put('infostore', 'update', {
    params: { id, timestamp },
    body: folder === undefined ? rest : { ...rest, folder_id: folder },
  })
}

/** Answers how many of them were left because somebody changed them meanwhile. */
export async function deleteFiles(targets: StoredFile[], timestamp: number): Promise<number> {
  const body = targets.map((file) => ({ id: file.id, folder: file.folder }))
  const answer = await put<unknown[]>('infostore', 'delete', { params: { timestamp }, body })
  return answer.data.length
}

/** Where a file's bytes are. Without a version, those of the current one. */
export function contentAddress(file: StoredFile, as: 'attachment' | 'inline', version?: number): string {
  const params = { id: file.id, folder: file.folder, version, content_disposition: as }
  return address('infostore', 'document', params, `/${encodeURIComponent(file.name)}`)
}

function toFile(raw: Record<string, unknown>): StoredFile {
  return {
    id: String(raw.id),
    folder: String(raw.folder_id ?? ''),
    name: String(raw.filename || raw.title || ''),
    mime: String(raw.file_mimetype ?? ''),
    sizeBytes: Number(raw.file_size ?? 0),
    createdBy: Number(raw.created_by ?? 0),
    modifiedBy: Number(raw.modified_by ?? 0),
    created: Number(raw.creation_date ?? 0),
    modified: Number(raw.last_modified ?? 0),
    description: String(raw.description ?? ''),
    version: Number(raw.version ?? 0),
    versionsCount: Number(raw.number_of_versions ?? 0),
    versionComment: String(raw.version_comment ?? ''),
    isCurrent: raw.current_version === true,
    lockedUntil: Number(raw.locked_until ?? 0),
  }
}
