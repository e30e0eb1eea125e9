// Short messages at the edge of the window. Errors stay until dismissed or long enough to read; news go by themselves.
import { ApiError } from '../api/envelope'
import { t } from '../strings'

export interface Toast {
  key: number
  kind: 'error' | 'news'
  text: string
  /** Small print: the error's code and id. */
  code: string
}

const newsMs = 5_000
const errorMs = 20_000
/** Older ones make room: a failing network must not fill the window. */
const shownMax = 4

class Toasts {
  list = $state.raw<Toast[]>([])
  #nextKey = 1

  news(text: string): void {
    this.#add('news', text, '')
  }

  /** Shows what went wrong. A request that we aborted ourselves is no error. */
  error(error: unknown): void {
    if (error instanceof DOMException && error.name === 'AbortError') return
    const { text, code } = describe(error)
    if (code.startsWith('SES-02')) return // the login page says it
    if (this.list.some((toast) => toast.text === text && toast.code === code)) return
    this.#add('error', text, code)
  }

  dismiss(key: number): void {
    this.list = this.list.filter((toast) => toast.key !== key)
  }

  #add(kind: Toast['kind'], text: string, code: string): void {
    const key = this.#nextKey++
    // The latest news is the only news; errors pile up until they are read.
    const kept = kind === 'news' ? this.list.filter((toast) => toast.kind === 'error') : this.list
    this.list = [...kept, { key, kind, text, code }].slice(-shownMax)
    setTimeout(() => this.dismiss(key), kind === 'error' ? errorMs : newsMs)
  }
}

/** An error's text and small print; also for the dialogs, which show errors in themselves. */
export function describe(error: unknown): { text: string; code: string } {
  if (error instanceof ApiError) return { text: error.message, code: t.errors.code(error.code, error.id) }
  console.error(error)
  return { text: t.errors.unexpected, code: error instanceof Error ? error.message : '' }
}

export const toasts = new Toasts()
