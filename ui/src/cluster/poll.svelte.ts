// The state of the cluster, asked again every few seconds while the page is in sight. A failed round keeps the last state
// and says so.
import { clusterStatus, type ClusterStatus } from '../api/cluster'

const pollMs = 3_000

export class ClusterPoll {
  status = $state.raw<ClusterStatus | null>(null)
  /** When `status` was true, by this machine's clock. */
  at = $state(0)
  error = $state.raw<unknown>(null)

  /** Answers how to stop. */
  begin(): () => void {
    let stopped = false
    let timer = 0
    const round = async (): Promise<void> => {
      if (document.visibilityState === 'visible') await this.#ask()
      if (!stopped) timer = window.setTimeout(() => void round(), pollMs)
    }
    void round()
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }

  async #ask(): Promise<void> {
    try {
      this.status = await clusterStatus()
      this.at = Date.now()
      this.error = null
    } catch (error) {
      this.error = error
    }
  }
}
