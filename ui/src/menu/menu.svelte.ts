// The one menu that can be open: what it offers, and where.
import type { Component } from 'svelte'

export interface MenuEntry {
  label: string
  icon?: Component<{ size?: number }>
  act: () => void
  disabled?: boolean
  danger?: boolean
  /** Shown at the right: the key that does the same. */
  key?: string
  /** Set for a choice among several: whether it is the present one. */
  checked?: boolean
  /** Draws a line above. */
  apart?: boolean
}

interface OpenMenu {
  label: string
  entries: MenuEntry[]
  x: number
  y: number
}

class MenuState {
  open = $state.raw<OpenMenu | null>(null)

  at(x: number, y: number, label: string, entries: MenuEntry[]): void {
    this.open = { label, entries, x, y }
  }

  /** Below a button. */
  below(button: Element, label: string, entries: MenuEntry[]): void {
    const { left, bottom } = button.getBoundingClientRect()
    this.at(left, bottom + 6, label, entries)
  }

  close(): void {
    this.open = null
  }
}

export const menu = new MenuState()
