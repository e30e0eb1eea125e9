// Which rows are selected and which one the keyboard stands on. Every step is a function from state to state. Pure.

export interface Selection {
  keys: ReadonlySet<string>
  /** Index of the row the keyboard stands on; -1 before the first step. */
  active: number
  /** Where a range began. */
  anchor: number
}

export interface Modifiers {
  /** Ctrl or Cmd: adds to what is selected. */
  add: boolean
  /** Shift: takes everything from the anchor. */
  range: boolean
}

export const nothing: Selection = { keys: new Set(), active: -1, anchor: -1 }

/** A click on a row. */
export function pick(state: Selection, rows: readonly string[], index: number, { add, range }: Modifiers): Selection {
  const key = rows[index]
  if (key === undefined) return state
  if (range) return { keys: between(state, rows, index, add), active: index, anchor: from(state, index) }
  if (add) return toggle(state, rows, index)
  return { keys: new Set([key]), active: index, anchor: index }
}

/** Selects or deselects one row and leaves the others. */
export function toggle(state: Selection, rows: readonly string[], index: number): Selection {
  const key = rows[index]
  if (key === undefined) return state
  const keys = new Set(state.keys)
  if (!keys.delete(key)) keys.add(key)
  return { keys, active: index, anchor: index }
}

/** An arrow key: goes to a row and selects it; with Ctrl it only goes, with Shift it selects the way. */
export function step(state: Selection, rows: readonly string[], to: number, modifiers: Modifiers): Selection {
  if (rows.length === 0) return state
  const index = Math.max(0, Math.min(rows.length - 1, to))
  if (modifiers.range) return pick(state, rows, index, { add: false, range: true })
  if (modifiers.add) return { ...state, active: index }
  return pick(state, rows, index, { add: false, range: false })
}

export function everything(state: Selection, rows: readonly string[]): Selection {
  return { ...state, keys: new Set(rows) }
}

/** After the rows changed: forgets what is gone and keeps the keyboard on the same row, or near it. */
export function kept(state: Selection, before: readonly string[], rows: readonly string[]): Selection {
  const present = new Set(rows)
  const keys = new Set([...state.keys].filter((key) => present.has(key)))
  const moved = (index: number): number => {
    const key = before[index]
    const now = key === undefined ? -1 : rows.indexOf(key)
    return now >= 0 ? now : Math.min(index, rows.length - 1)
  }
  return { keys, active: moved(state.active), anchor: moved(state.anchor) }
}

function from(state: Selection, index: number): number {
  return state.anchor < 0 ? index : state.anchor
}

function between(state: Selection, rows: readonly string[], index: number, add: boolean): Set<string> {
  const start = from(state, index)
  const range = rows.slice(Math.min(start, index), Math.max(start, index) + 1)
  return new Set(add ? [...state.keys, ...range] : range)
}
