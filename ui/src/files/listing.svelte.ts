// The content of the folder in sight: loading, polling for changes, and what to show when it cannot be read.
import { ApiError, isOutOfSight } from '../api/envelope'
import { fixed, type Folder, folder as fetchFolder, path as fetchPath, subfolders, subfoldersChanged } from '../api/folders'
import { files, filesChanged, type StoredFile } from '../api/infostore'
import { mayReadFiles } from '../api/permissions'

export type Phase = 'loading' | 'ready' | 'withdrawn' | 'failed'

class Listing {
  folder = $state.raw<Folder | null>(null)
  /** From the top down, the folder itself last. */
  path = $state.raw<Folder[]>([])
  subfolders = $state.raw<Folder[]>([])
  files = $state.raw<StoredFile[]>([])
  /** False when the folder may be seen but not read. */
  readable = $state(true)
  phase = $state<Phase>('loading')
  error = $state.raw<unknown>(null)
  /** While a load is under way. */
  refreshing = $state(false)
  /** What later writes name, so that the server notices if somebody was faster. */
  timestamp = 0
  /** What changes are asked since: each list has its own, or a change between the two would be missed. */
  #foldersAt = 0
  #filesAt = 0
  #id = ''
  /** Counts loads; an answer to an earlier one is dropped. */
  #ticket = 0

  get id(): string {
    return this.#id
  }

  async open(id: string): Promise<void> {
    this.#id = id
    this.phase = 'loading'
    this.folder = null
    this.path = []
    this.#show([], [])
    await this.reload()
  }

  close(): void {
    this.#ticket++
    this.#id = ''
    this.folder = null
    this.path = []
    this.#show([], [])
  }

  async reload(): Promise<void> {
    const ticket = ++this.#ticket
    const id = this.#id
    if (!id) return
    this.refreshing = true
    try {
      const [folder, inside, content, path] = await Promise.all([
        fetchFolder(id),
        subfolders(id),
        readableFiles(id),
        fetchPath(id).catch(() => []),
      ])
      if (ticket !== this.#ticket) return
      this.folder = folder.data
      this.path = fromTheTop(path, folder.data)
      this.readable = content.readable && (mayReadFiles(folder.data.ownRights) || content.data.length > 0)
      this.#foldersAt = inside.timestamp
      this.#filesAt = content.timestamp
      this.timestamp = Math.max(folder.timestamp, inside.timestamp, content.timestamp)
      this.#show(inside.data, content.data)
      this.phase = 'ready'
      this.error = null
    } catch (error) {
      if (ticket === this.#ticket) this.#fail(error)
    } finally {
      if (ticket === this.#ticket) this.refreshing = false
    }
  }

  /** Asks cheaply whether anything changed, and loads again only then. Answers whether it did. Throws if it cannot be told. */
  async poll(): Promise<boolean> {
    const id = this.#id
    const shown = this.folder
    if (!id || !shown || this.phase !== 'ready' || this.refreshing) return false
    try {
      const [now, foldersDiffer, filesDiffer] = await Promise.all([
        fetchFolder(id),
        subfoldersChanged(id, this.#foldersAt),
        this.readable ? filesChanged(id, this.#filesAt) : false,
      ])
      const same = now.data.modified === shown.modified && now.data.ownRights === shown.ownRights
      if (id !== this.#id || (same && !foldersDiffer && !filesDiffer)) return false
    } catch (error) {
      if (!(error instanceof ApiError && isOutOfSight(error.code))) throw error
    }
    await this.reload()
    return true
  }

  #show(folders: Folder[], content: StoredFile[]): void {
    this.subfolders = folders
    this.files = content
  }

  #fail(error: unknown): void {
    const withdrawn = error instanceof ApiError && isOutOfSight(error.code)
    // A failed refresh leaves what is shown; a withdrawn folder must not stay in sight.
    if (this.phase === 'ready' && !withdrawn) throw error
    this.#show([], [])
    this.error = error
    this.phase = withdrawn ? 'withdrawn' : 'failed'
  }
}

/** A folder whose content may not be read is still shown, with its subfolders. */
async function readableFiles(id: string): Promise<{ data: StoredFile[]; timestamp: number; readable: boolean }> {
  try {
    return { ...(await files(id)), readable: true }
  } catch (error) {
    if (error instanceof ApiError && (error.code === 'IFO-0400' || error.code === 'IFO-1700')) {
      return { data: [], timestamp: 0, readable: error.code === 'IFO-1700' }
    }
    throw error
  }
}

/** Cuts off the system folders above, which mean nothing to people. */
function fromTheTop(path: Folder[], folder: Folder): Folder[] {
  const system = new Set<string>(['0', fixed.infostore, fixed.userstore, fixed.others])
  const known = path.filter((one) => !system.has(one.id)).reverse()
  return known.at(-1)?.id === folder.id ? known : [folder]
}

export const listing = new Listing()
