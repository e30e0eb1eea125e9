// The upload queue: three at a time, cancel, a second try when a node is busy, a stop for taken names. It knows no
// browser and no server: `send` is given to it, so its rules are tested with nothing running.

export type JobState =
  | 'waiting'
  | 'sending'
  | 'retrying'
  | 'conflict'
  | 'failed'
  | 'done'
  | 'cancelled'
  | 'skipped'

/** What to write over, when a file becomes a new version of an existing one. */
export interface Existing {
  id: string
  timestamp: number
}

export interface Job {
  readonly key: number
  readonly folder: string
  readonly name: string
  readonly file: File
  readonly state: JobState
  readonly sentBytes: number
  readonly attempts: number
  /** Set when the file is to become a new version. */
  readonly existing: Existing | null
  readonly error: unknown
}

export type Outcome =
  | { kind: 'done' }
  /** The name is taken in the folder. */
  | { kind: 'conflict' }
  /** The web tier or the node asked for patience (HTTP 502, 503), or the connection broke: worth sending again. */
  | { kind: 'busy'; error: unknown }
  | { kind: 'failed'; error: unknown }
  | { kind: 'cancelled' }

export interface QueueWorld {
  send(job: Job, onProgress: (sentBytes: number) => void, signal: AbortSignal): Promise<Outcome>
  /** Waits; given, so that tests need no clock. */
  pause(ms: number): Promise<void>
  /** Told after every change. */
  changed(): void
}

export const parallelMax = 3
export const attemptsMax = 5
const firstPauseMs = 1_000

export class UploadQueue {
  #world: QueueWorld
  #jobs = new Map<number, Job>()
  #aborts = new Map<number, AbortController>()
  #nextKey = 1

  constructor(world: QueueWorld) {
    this.#world = world
  }

  get jobs(): Job[] {
    return [...this.#jobs.values()]
  }

  add(wanted: { folder: string; name: string; file: File; existing?: Existing; conflict?: boolean }[]): void {
    for (const { folder, name, file, existing, conflict } of wanted) {
      const key = this.#nextKey++
      const state = conflict ? 'conflict' : 'waiting'
      this.#jobs.set(key, { key, folder, name, file, state, sentBytes: 0, attempts: 0, existing: existing ?? null, error: null })
    }
    this.#pump()
    this.#world.changed()
  }

  cancel(key: number): void {
    const job = this.#jobs.get(key)
    if (!job || isOver(job)) return
    this.#aborts.get(key)?.abort()
    this.#change(key, { state: 'cancelled' })
    this.#pump()
  }

  cancelAll(): void {
    // The waiting ones first, or each place that gets free would send the next of them.
    const waiting = this.jobs.filter((job) => job.state === 'waiting')
    for (const job of [...waiting, ...this.jobs]) this.cancel(job.key)
  }

  /** Sends a failed or cancelled one again. */
  retry(key: number): void {
    const job = this.#jobs.get(key)
    if (!job || (job.state !== 'failed' && job.state !== 'cancelled')) return
    this.#change(key, { state: 'waiting', attempts: 0, sentBytes: 0, error: null })
    this.#pump()
  }

  /** Answers a conflict: another name, an existing file to become a version of, or neither to leave it out. */
  resolve(key: number, answer: { name: string } | { existing: Existing } | 'skip'): void {
    if (this.#jobs.get(key)?.state !== 'conflict') return
    if (answer === 'skip') this.#change(key, { state: 'skipped' })
    else this.#change(key, { ...answer, state: 'waiting', sentBytes: 0 })
    this.#pump()
  }

  /** Forgets what is over. */
  clear(): void {
    for (const job of this.jobs) if (isOver(job)) this.#jobs.delete(job.key)
    this.#world.changed()
  }

  #pump(): void {
    for (const job of this.#jobs.values()) {
      if (this.#aborts.size >= parallelMax) return
      if (job.state === 'waiting') void this.#run(job)
    }
  }

  async #run(job: Job): Promise<void> {
    const abort = new AbortController()
    this.#aborts.set(job.key, abort)
    const attempts = job.attempts + 1
    this.#change(job.key, { state: 'sending', attempts, sentBytes: 0 })
    const onProgress = (sentBytes: number): void => {
      if (!abort.signal.aborted) this.#change(job.key, { sentBytes })
    }
    const outcome = await this.#world.send(this.#jobs.get(job.key) ?? job, onProgress, abort.signal)
    if (outcome.kind === 'busy' && attempts < attemptsMax && !abort.signal.aborted) {
      // The place in the queue is kept while waiting: others would find the same busy server.
      this.#change(job.key, { state: 'retrying', sentBytes: 0 })
      await this.#world.pause(firstPauseMs * 2 ** (attempts - 1))
    }
    this.#aborts.delete(job.key)
    if (!abort.signal.aborted) this.#settle(job.key, outcome, attempts)
    this.#pump()
  }

  #settle(key: number, outcome: Outcome, attempts: number): void {
    switch (outcome.kind) {
      case 'done':
        return this.#change(key, { state: 'done', sentBytes: this.#jobs.get(key)?.file.size ?? 0 })
      case 'busy':
        return attempts < attemptsMax
          ? this.#change(key, { state: 'waiting' })
          : this.#change(key, { state: 'failed', error: outcome.error })
      case 'failed':
        return this.#change(key, { state: 'failed', error: outcome.error })
      case 'conflict':
      case 'cancelled':
        return this.#change(key, { state: outcome.kind })
    }
  }

  #change(key: number, change: Partial<Job>): void {
    const job = this.#jobs.get(key)
    if (!job) return
    this.#jobs.set(key, { ...job, ...change })
    this.#world.changed()
  }
}

export function isOver(job: Job): boolean {
  return job.state === 'done' || job.state === 'failed' || job.state === 'cancelled' || job.state === 'skipped'
}

export interface Progress {
  /** Of everything that was not cancelled, skipped or refused. */
  sentBytes: number
  totalBytes: number
  /** Still waiting, sending, or waiting for an answer. */
  left: number
  done: number
  failed: number
}

export function progressOf(jobs: readonly Job[]): Progress {
  const sum: Progress = { sentBytes: 0, totalBytes: 0, left: 0, done: 0, failed: 0 }
  for (const job of jobs) {
    if (job.state === 'cancelled' || job.state === 'skipped') continue
    if (job.state === 'failed') {
      sum.failed++
      continue
    }
    sum.totalBytes += job.file.size
    sum.sentBytes += Math.min(job.sentBytes, job.file.size)
    if (job.state === 'done') sum.done++
    else sum.left++
  }
  return sum
}
