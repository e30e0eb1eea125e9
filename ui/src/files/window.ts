// Which rows of a long list are in sight, so that only those are in the page. Pure.

export interface RowWindow {
  /** First row to draw, and one past the last. */
  start: number
  end: number
}

/** Rows drawn above and below the visible ones, so that quick scrolling shows no gaps. */
const spareRows = 8

export function rowsInSight(scrollTop: number, heightPx: number, rowPx: number, count: number): RowWindow {
  const first = Math.floor(Math.max(0, scrollTop) / rowPx)
  const visible = Math.ceil(heightPx / rowPx) + 1
  const start = Math.min(Math.max(0, first - spareRows), count)
  return { start, end: Math.min(count, first + visible + spareRows) }
}

/** Where to scroll so that a row is entirely in sight; the present place if it is already. */
export function scrolledTo(index: number, scrollTop: number, heightPx: number, rowPx: number): number {
  const top = index * rowPx
  if (top < scrollTop) return top
  if (top + rowPx > scrollTop + heightPx) return top + rowPx - heightPx
  return scrollTop
}
