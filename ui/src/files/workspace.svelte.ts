// What the files page works on: the folder tree, the folder in sight, and keeping both fresh: by what the server tells, else by
// asking now and then.
import { NewsStream, type Topic } from '../news/stream'
import { FolderTree } from '../tree/model.svelte'
import { toasts } from '../toast/toasts.svelte'
import { uploads } from '../upload/uploads.svelte'
import { listing } from './listing.svelte'

/** How often a visible window asks whether anything changed while nobody tells it. */
const pollMs = 20_000
/** How long after it could not be told how things are it is tried again. */
const againMs = 3_000
/** Uploads end in bursts; one reload serves a burst. */
const reloadPauseMs = 350

class Workspace {
  tree = $state.raw(new FolderTree(0, false))
  /** While everything is loaded again. */
  refreshing = $state(false)
  #reloadTimer = 0
  #news = new NewsStream(() => void this.#catchUp())
  #catchingUp = false
  #againTimer = 0
  #missed = false

  /** Starts for a user, who sees what others share or does not; answers how to stop. */
  begin(userId: number, seesShared: boolean): () => void {
    this.tree = new FolderTree(userId, seesShared)
    void this.tree.load()
    uploads.watch(
      (folder) => this.#stored(folder),
      () => void this.refresh(),
    )
    const visible = (): boolean => document.visibilityState === 'visible'
    const poll = (): void => {
      if (visible()) void this.#catchUp()
    }
    const turned = (): void => {
      this.#news.seen(visible())
      poll()
    }
    const timer = setInterval(() => this.#news.live || poll(), pollMs)
    addEventListener('focus', poll)
    document.addEventListener('visibilitychange', turned)
    this.follow()
    return () => {
      clearInterval(timer)
      clearTimeout(this.#againTimer)
      this.#news.stop()
      clearTimeout(this.#reloadTimer)
      removeEventListener('focus', poll)
      document.removeEventListener('visibilitychange', turned)
      listing.close()
    }
  }

  /** Loads everything in sight again. */
  async refresh(): Promise<void> {
    this.refreshing = true
    try {
      await Promise.all([listing.reload(), this.tree.load()])
    } catch (error) {
      toasts.error(error)
    } finally {
      this.refreshing = false
    }
  }

  /** Does something on the server, then shows how things are now, whether it worked or not. Answers whether it did. */
  async change(act: () => Promise<void>): Promise<boolean> {
    try {
      await act()
      return true
    } catch (error) {
      toasts.error(error)
      return false
    } finally {
      await this.refresh()
    }
  }

  /** Hears of the folder in sight from now on, and of the tree. */
  follow(): void {
    // What is no folder on the server is only a part of the tree.
    const inside: Topic[] = /^\d+$/.test(listing.id) ? [`folder:${listing.id}`] : []
    this.#news.follow(['tree', ...inside])
  }

  /** Shows how things are now. What is told while that is under way is looked at once more. */
  async #catchUp(): Promise<void> {
    this.#missed = true
    if (this.#catchingUp) return
    this.#catchingUp = true
    while (this.#missed) {
      this.#missed = false
      try {
        // A load under way may have begun before the change.
        const loading = listing.refreshing ? listing.reload() : listing.poll()
        const [, asked] = await Promise.all([loading, this.tree.load()])
        if (!asked) this.#catchUpLater()
      } catch {
        // A background request is not worth a message.
        this.#catchUpLater()
      }
    }
    this.#catchingUp = false
  }

  /** What was told must not be forgotten because the server could not be asked at once. */
  #catchUpLater(): void {
    if (!this.#news.live) return
    clearTimeout(this.#againTimer)
    this.#againTimer = window.setTimeout(() => void this.#catchUp(), againMs)
  }

  #stored(folder: string): void {
    if (folder !== listing.id) return
    clearTimeout(this.#reloadTimer)
    this.#reloadTimer = window.setTimeout(() => void this.refresh(), reloadPauseMs)
  }
}

export const workspace = new Workspace()
