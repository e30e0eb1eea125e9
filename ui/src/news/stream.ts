// One stream of server-sent events a tab, about what changes in the topics in sight, whoever changes it on whatever node.
// Where it cannot be had, `live` stays false and its users ask now and then, as they would without it.
import { address } from '../api/client'

export type Topic = 'tree' | 'users' | `folder:${string}`

/** What is told of a change: the topic, or everything when it is not known what was missed. */
export type Told = (changed: Topic | 'everything') => void

/** How long after a refusal it is tried again. */
const refusedPauseMs = 60_000
/** A window that was hidden for so long gives its connection up; a browser has few for one server. */
const hiddenMs = 30_000

interface Named {
  topic: 'tree' | 'users' | 'folder'
  folder?: string
}

/** The part of a browser's EventSource that is used, so that tests can stand in for it. */
export interface Source {
  readonly readyState: number
  onerror: ((event: Event) => void) | null
  addEventListener(kind: string, told: (event: MessageEvent<string>) => void): void
  close(): void
}

const closed = 2

export class NewsStream {
  /** Whether changes are told at the moment. */
  live = false
  #topics: Topic[] = []
  #source: Source | null = null
  /** Where the last stream had come to. */
  #position = ''
  #pause: ReturnType<typeof setTimeout> | undefined
  readonly #told: Told
  readonly #open: (url: string) => Source

  constructor(told: Told, open: (url: string) => Source = (url) => new EventSource(url)) {
    this.#told = told
    this.#open = open
  }

  /** Hears of these topics from now on, and of what changed in those it heard of before. */
  follow(topics: readonly Topic[]): void {
    if (topics.join() === this.#topics.join() && (this.#source || this.#pause !== undefined)) return
    this.#topics = [...topics]
    this.#connect()
  }

  /** Gives the connection up; `follow` makes another. */
  rest(): void {
    clearTimeout(this.#pause)
    this.#pause = undefined
    this.#source?.close()
    this.#source = null
    this.live = false
  }

  /** Forgets everything: the session is over, or the page. */
  stop(): void {
    this.rest()
    this.#topics = []
    this.#position = ''
  }

  /** The window is seen, or not: then the connection is given up after a while. */
  seen(visible: boolean): void {
    if (this.#topics.length === 0) return
    if (visible) {
      clearTimeout(this.#pause)
      this.#pause = undefined
      if (!this.#source) this.#connect()
    } else if (this.#source) {
      clearTimeout(this.#pause)
      this.#pause = setTimeout(() => this.rest(), hiddenMs)
    }
  }

  #connect(): void {
    this.rest()
    if (this.#topics.length === 0) return
    const params = { topics: this.#topics.join(), position: this.#position || undefined }
    const source = this.#open(address('push', 'subscribe', params))
    this.#source = source
    const on = (kind: string, act: (data: unknown) => void): void =>
      source.addEventListener(kind, (event) => {
        if (source !== this.#source) return
        if (event.lastEventId) this.#position = event.lastEventId
        act(JSON.parse(event.data))
      })
    // What was shown may have been loaded before the stream stood.
    on('ready', () => {
      if (!this.live) this.#told('everything')
      this.live = true
    })
    on('start_over', () => this.#told('everything'))
    on('change', (data) => this.#told(named(data as Named)))
    on('gone', (data) => this.#told(named(data as Named)))
    on('end', (data) => this.#ended((data as { reason: string }).reason))
    source.onerror = () => {
      if (source !== this.#source) return
      this.live = false
      // Otherwise the browser connects again by itself, and says what it heard last.
      if (source.readyState === closed) this.#tryLater()
    }
  }

  #ended(reason: string): void {
    if (reason === 'drain') return
    // Whoever asks next hears what is the matter.
    if (reason === 'session') this.rest()
    else this.#tryLater()
    this.#told('everything')
  }

  #tryLater(): void {
    this.rest()
    this.#pause = setTimeout(() => this.#connect(), refusedPauseMs)
  }
}

function named({ topic, folder }: Named): Topic {
  return topic === 'folder' ? `folder:${folder}` : topic
}
