// The folder tree: three roots, children fetched when a folder is opened for the first time. The side bar has one, and
// the move dialog another of its own.
import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import { fixed, type Folder, folder as fetchFolder, subfolders } from '../api/folders'
import { flatten, type Root, type TreeRow } from './rows'

/** The root "Shared with me" has no folder on the server. */
export const sharedId = 'shared'

export class FolderTree {
  home = $state.raw<Folder | null>(null)
  public = $state.raw<Folder | null>(null)
  shared = $state.raw<Folder[]>([])
  loaded = $state(false)
  expanded = new SvelteSet<string>()
  #children = new SvelteMap<string, Folder[]>()
  #me: number
  #seesShared: boolean

  rows: TreeRow[] = $derived(flatten(this.#roots(), this.#children, this.expanded))

  constructor(me: number, seesShared: boolean) {
    this.#me = me
    this.#seesShared = seesShared
  }

  /**
   * Fetches the roots and what is open again. Errors of single folders close them: they are gone or withdrawn. Answers
   * whether the server could be asked.
   */
  async load(): Promise<boolean> {
    const [personal, others, publicRoot] = await Promise.all([
      subfolders(fixed.userstore).catch(() => null),
      subfolders(fixed.others).catch(() => null),
      fetchFolder(fixed.public).catch(() => null),
    ])
    if (personal) {
      this.home = personal.data.find((folder) => folder.standard && folder.createdBy === this.#me) ?? null
      const foreign = personal.data.filter((folder) => folder.id !== this.home?.id)
      this.shared = byTitle([...foreign, ...(others?.data ?? [])])
    }
    this.public = publicRoot?.data ?? null
    if (this.home && !this.loaded) this.expanded.add(this.home.id)
    await Promise.all([...this.expanded].filter((id) => id !== sharedId).map((id) => this.reload(id)))
    this.loaded = true
    return personal !== null
  }

  async expand(id: string): Promise<void> {
    this.expanded.add(id)
    if (id !== sharedId) await this.reload(id)
  }

  collapse(id: string): void {
    this.expanded.delete(id)
  }

  async reload(id: string): Promise<void> {
    try {
      this.#children.set(id, byTitle((await subfolders(id)).data))
    } catch {
      this.#children.delete(id)
      this.expanded.delete(id)
    }
  }

  /** Opens everything above a folder, given its path from the top. */
  async reveal(ancestors: readonly string[]): Promise<void> {
    for (const id of ancestors) if (!this.expanded.has(id)) await this.expand(id)
  }

  folder(id: string): Folder | undefined {
    if (id === this.home?.id) return this.home
    if (id === this.public?.id) return this.public
    for (const list of [this.shared, ...this.#children.values()]) {
      const found = list.find((folder) => folder.id === id)
      if (found) return found
    }
    return undefined
  }

  #roots(): Root[] {
    const roots: Root[] = []
    if (this.home) roots.push({ kind: 'home', id: this.home.id, folder: this.home })
    if (this.#seesShared) roots.push({ kind: 'shared', id: sharedId, children: this.shared })
    if (this.public) roots.push({ kind: 'public', id: this.public.id, folder: this.public })
    return roots
  }
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

function byTitle(folders: Folder[]): Folder[] {
  return folders.sort((a, b) => collator.compare(a.title, b.title))
}
