// Sizes, dates and durations as people read them.

const units = ['B', 'KB', 'MB', 'GB', 'TB']

export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value.toLocaleString('en', { maximumFractionDigits: unit === 0 || value >= 100 ? 0 : 1 })} ${units[unit]}`
}

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const dayMonthYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium' })

/** "Today, 12:20", "Yesterday, 09:00", "12 Nov", "12 Nov 2025": shorter the longer ago. */
export function dateText(ms: number, now = Date.now()): string {
  if (!ms) return ''
  const date = new Date(ms)
  const today = new Date(now)
  const days = Math.round((midnight(today) - midnight(date)) / 86_400_000)
  if (days === 0) return `Today, ${time.format(date)}`
  if (days === 1) return `Yesterday, ${time.format(date)}`
  return (date.getFullYear() === today.getFullYear() ? dayMonth : dayMonthYear).format(date)
}

export const fullDateText = (ms: number): string => (ms ? full.format(new Date(ms)) : '')

export const clockText = (ms: number): string =>
  new Date(ms).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** "3 d 4 h", "4 h 12 min", "12 min", "40 s": the two parts that matter. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (days > 0) return `${days} d ${hours % 24} h`
  if (hours > 0) return `${hours} h ${minutes % 60} min`
  if (minutes > 0) return `${minutes} min`
  return `${Math.max(0, seconds)} s`
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}
