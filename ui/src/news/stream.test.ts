// The stream of changes, with a stand-in for the browser's EventSource.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NewsStream, type Source, type Told } from './stream'

class FakeSource implements Source {
  readyState = 0
  onerror: ((event: Event) => void) | null = null
  isClosed = false
  #told = new Map<string, (event: MessageEvent<string>) => void>()

  constructor(readonly url: string) {}

  addEventListener(kind: string, told: (event: MessageEvent<string>) => void): void {
    this.#told.set(kind, told)
  }

  close(): void {
    this.isClosed = true
  }

  say(kind: string, data: unknown = {}, lastEventId = ''): void {
    this.#told.get(kind)?.({ data: JSON.stringify(data), lastEventId } as MessageEvent<string>)
  }

  fail(readyState: number): void {
    this.readyState = readyState
    this.onerror?.(new Event('error'))
  }
}

let sources: FakeSource[]
let heard: string[]
let news: NewsStream

beforeEach(() => {
  vi.useFakeTimers()
  sources = []
  heard = []
  const told: Told = (changed) => void heard.push(changed)
  news = new NewsStream(told, (url) => {
    const source = new FakeSource(url)
    sources.push(source)
    return source
  })
})
afterEach(() => void vi.useRealTimers())

const last = (): FakeSource => sources.at(-1) as FakeSource
const topicsOf = (source: FakeSource): string | null => new URL(source.url, 'http://x').searchParams.get('topics')

describe('the stream of changes', () => {
  test('tells which topic changed, and is live from when it is ready', () => {
    news.follow(['tree', 'folder:12'])
    expect(topicsOf(last())).toBe('tree,folder:12')
    expect(news.live).toBe(false)
    last().say('ready', { topics: [] }, '1.1;tree=5')
    expect(news.live).toBe(true)
    last().say('change', { topic: 'folder', folder: '12', timestamp: 7 })
    last().say('gone', { topic: 'tree', code: 'x' })
    expect(heard).toEqual(['everything', 'folder:12', 'tree'])
  })

  test('has one connection, and none twice for the same topics', () => {
    news.follow(['tree'])
    news.follow(['tree'])
    expect(sources.length).toBe(1)
    last().say('ready', {}, '1.1;tree=5')
    news.follow(['tree', 'folder:7'])
    expect(sources.map((source) => source.isClosed)).toEqual([true, false])
    expect(new URL(last().url, 'http://x').searchParams.get('position')).toBe('1.1;tree=5')
    sources[0]?.say('change', { topic: 'tree' })
    expect(heard).toEqual(['everything'])
  })

  test('a cut is the browser’s business, and then everything may have changed', () => {
    news.follow(['tree'])
    last().say('ready')
    last().fail(0)
    expect(news.live).toBe(false)
    vi.advanceTimersByTime(3_600_000)
    expect(sources.length).toBe(1)
    last().say('ready')
    expect(heard).toEqual(['everything', 'everything'])
  })

  test('a refusal leaves it not live, and is tried again later', () => {
    news.follow(['tree'])
    last().fail(2)
    expect([news.live, last().isClosed]).toEqual([false, true])
    news.follow(['tree'])
    expect(sources.length).toBe(1)
    vi.advanceTimersByTime(60_000)
    expect(sources.length).toBe(2)
  })

  test('a node that stops is left by the browser, a session that is over by us', () => {
    news.follow(['tree'])
    last().say('ready')
    last().say('end', { reason: 'drain' })
    expect(last().isClosed).toBe(false)
    last().say('end', { reason: 'session', code: 'SES-0203' })
    expect([last().isClosed, news.live]).toEqual([true, false])
    vi.advanceTimersByTime(3_600_000)
    expect([sources.length, heard]).toEqual([1, ['everything', 'everything']])
  })

  test('a window that is hidden for long gives its connection up, and takes it again with what it knew', () => {
    news.follow(['tree'])
    last().say('ready', {}, '1.1;tree=5')
    news.seen(false)
    vi.advanceTimersByTime(10_000)
    news.seen(true)
    vi.advanceTimersByTime(3_600_000)
    expect([sources.length, last().isClosed]).toEqual([1, false])
    news.seen(false)
    vi.advanceTimersByTime(30_000)
    expect([last().isClosed, news.live]).toEqual([true, false])
    news.seen(true)
    expect(last().url).toContain('position=1.1')
  })

  test('after its end it has nothing to follow', () => {
    news.follow(['tree'])
    news.stop()
    news.seen(true)
    expect(sources.map((source) => source.isClosed)).toEqual([true])
  })
})
