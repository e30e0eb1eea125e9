// Applies the chosen theme before the first paint; the page's module script comes too late for that.
// Its counterpart is src/theme/theme.svelte.ts.
;(() => {
  try {
    const chosen = localStorage.getItem('zebu.theme')
    if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
  } catch {
    // Storage is blocked: the system's theme applies.
  }
})()
