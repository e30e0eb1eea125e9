// Light, dark, or like the system. public/theme.js applies the choice before the first paint; this changes it.

export const themes = ['system', 'light', 'dark'] as const
export type ThemeName = (typeof themes)[number]

const storageKey = 'zebu.theme'

class Theme {
  chosen = $state<ThemeName>(read())

  choose(name: ThemeName): void {
    this.chosen = name
    if (name === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = name
    try {
      localStorage.setItem(storageKey, name)
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
  }
}

function read(): ThemeName {
  const applied = document.documentElement.dataset.theme
  return applied === 'light' || applied === 'dark' ? applied : 'system'
}

export const theme = new Theme()
