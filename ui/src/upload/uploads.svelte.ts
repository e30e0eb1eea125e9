// Uploads of this window: the queue with the real server behind it, the folders that a drop needs, and conflicts.
import { createFolder, subfolders } from '../api/folders'
import { files } from '../api/infostore'
import { session } from '../session/session.svelte'
import { t } from '../strings'
import { toasts } from '../toast/toasts.svelte'
import type { Dropped } from './drop'
import { freeName } from './names'
import { type Existing, type Job, progressOf, UploadQueue } from './queue'
import { transfer } from './transfer'

export type ConflictAnswer = 'version' | 'both' | 'skip'

class Uploads {
  jobs = $state.raw<Job[]>([])
  progress = $derived(progressOf(this.jobs))
  /** The first job whose name is taken; a dialog asks about it. */
  conflict = $derived(this.jobs.find((job) => job.state === 'conflict') ?? null)
  conflictsCount = $derived(this.jobs.filter((job) => job.state === 'conflict').length)

  #queue = new UploadQueue({
    send: async (job, onProgress, signal) => {
      const outcome = await transfer(job, onProgress, signal)
      if (outcome.kind === 'done') this.#stored(job.folder)
      if (outcome.kind === 'failed') this.#refused(job.folder)
      return outcome
    },
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    changed: () => this.#show(),
  })
  #shown = false
  /** Told which folder got a file, and which refused one. */
  #stored: (folder: string) => void = () => {}
  #refused: (folder: string) => void = () => {}

  constructor() {
    session.onEnd(() => {
      this.#queue.cancelAll()
      this.#queue.clear()
    })
    addEventListener('beforeunload', (event) => {
      if (this.progress.left > 0) event.preventDefault()
    })
  }

  watch(stored: (folder: string) => void, refused: (folder: string) => void): void {
    this.#stored = stored
    this.#refused = refused
  }

  /** Starts uploading; makes the folders that were dropped first. */
  async start(folder: string, dropped: Dropped[]): Promise<void> {
    try {
      for (const [target, content] of await makeFolders(folder, dropped)) {
        if (target !== folder) this.#stored(folder)
        if (content.length > 0) await this.#enqueue(target, content)
      }
    } catch (error) {
      this.#refused(folder)
      toasts.error(error)
    }
  }

  /** Uploads one file as the next version of an existing one. */
  newVersion(folder: string, name: string, file: File, existing: Existing): void {
    this.#queue.add([{ folder, name, file, existing }])
  }

  /** Answers the shown conflict, or all of them. */
  async answer(choice: ConflictAnswer, all: boolean): Promise<void> {
    const open = this.jobs.filter((job) => job.state === 'conflict')
    for (const job of all ? open : open.slice(0, 1)) {
      if (choice === 'skip') {
        this.#queue.resolve(job.key, 'skip')
        continue
      }
      try {
        const present = await presentIn(job.folder)
        if (choice === 'both') {
          this.#queue.resolve(job.key, { name: freeName(job.name, this.#takenIn(job.folder, present)) })
        } else {
          const existing = present.get(job.name.toLowerCase())
          // Gone meanwhile: then its name is free again.
          this.#queue.resolve(job.key, existing ? { existing } : { name: job.name })
        }
      } catch (error) {
        toasts.error(error)
        return
      }
    }
  }

  cancel = (key: number): void => this.#queue.cancel(key)
  cancelAll = (): void => this.#queue.cancelAll()
  retry = (key: number): void => this.#queue.retry(key)
  clear = (): void => this.#queue.clear()

  /** Names that are already taken wait for an answer before a single byte is sent. */
  async #enqueue(folder: string, content: File[]): Promise<void> {
    const present = await presentIn(folder).catch(() => new Map<string, Existing>())
    this.#queue.add(content.map((file) => ({ folder, name: file.name, file, conflict: present.has(file.name.toLowerCase()) })))
  }

  #takenIn(folder: string, present: ReadonlyMap<string, Existing>): Set<string> {
    const queued = this.jobs.filter((job) => job.folder === folder && job.state !== 'conflict').map((job) => job.name)
    return new Set([...present.keys(), ...queued])
  }

  /** Many small steps become one repaint. */
  #show(): void {
    if (this.#shown) return
    this.#shown = true
    setTimeout(() => {
      this.#shown = false
      this.jobs = this.#queue.jobs
    }, 60)
  }
}

/** Files of a folder by lower-case name. */
async function presentIn(folder: string): Promise<Map<string, Existing>> {
  const { data, timestamp } = await files(folder)
  return new Map(data.map((file) => [file.name.toLowerCase(), { id: file.id, timestamp: timestamp || file.modified }]))
}

/** Makes every folder of the drop that is not there yet; answers the files of each, the target's own first. */
async function makeFolders(target: string, dropped: Dropped[]): Promise<Map<string, File[]>> {
  const ids = new Map<string, string>([['', target]])
  const content = new Map<string, File[]>([[target, []]])
  for (const { folders, file } of dropped) {
    let parent = target
    for (let depth = 1; depth <= folders.length; depth++) {
      const path = folders.slice(0, depth).join('/')
      const known = ids.get(path)
      parent = known ?? (await makeFolder(parent, folders[depth - 1] ?? ''))
      ids.set(path, parent)
      if (!content.has(parent)) content.set(parent, [])
    }
    if (file) content.get(parent)?.push(file)
  }
  return content
}

async function makeFolder(parent: string, title: string): Promise<string> {
  const siblings = (await subfolders(parent)).data
  const present = siblings.find((folder) => folder.title.toLowerCase() === title.toLowerCase())
  if (present) return present.id
  try {
    return await createFolder(parent, title)
  } catch (error) {
    toasts.news(t.upload.foldersFailed(title))
    throw error
  }
}

export const uploads = new Uploads()
