// What the files page works on: the folder tree, the folder in sight, and keeping both fresh.
import { FolderTree } from '../tree/model.svelte'
import { toasts } from '../toast/toasts.svelte'
import { uploads } from '../upload/uploads.svelte'
import { listing } from './listing.svelte'

/** How often a visible window asks whether anything changed. */
const pollMs = 20_000
/** Uploads end in bursts; one reload serves a burst. */
const reloadPauseMs = 350

class Workspace {
  tree = $state.raw(new FolderTree(0, false))
  /** While everything is loaded again. */
  refreshing = $state(false)
  #reloadTimer = 0

  /** Starts for a user, who sees what others share or does not; answers how to stop. */
  begin(userId: number, seesShared: boolean): () => void {
    this.tree = new FolderTree(userId, seesShared)
    void this.tree.load()
    uploads.watch(
      (folder) => this.#stored(folder),
      () => void this.refresh(),
    )
    const poll = (): void => {
      if (document.visibilityState === 'visible') void this.#poll()
    }
    const timer = setInterval(poll, pollMs)
    addEventListener('focus', poll)
    document.addEventListener('visibilitychange', poll)
    return () => {
      clearInterval(timer)
      clearTimeout(this.#reloadTimer)
      removeEventListener('focus', poll)
      document.removeEventListener('visibilitychange', poll)
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

  async #poll(): Promise<void> {
    try {
      await Promise.all([listing.poll(), this.tree.load()])
    } catch {
      // The next round may go better; a background request is not worth a message.
    }
  }

  #stored(folder: string): void {
    if (folder !== listing.id) return
    clearTimeout(this.#reloadTimer)
    this.#reloadTimer = window.setTimeout(() => void this.refresh(), reloadPauseMs)
  }
}

export const workspace = new Workspace()
