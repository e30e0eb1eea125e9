// Build and development set-up: one page, hashed files under /assets/, nothing inlined (a strict CSP refuses data: URLs).
// `ZEBU_URL=http://127.0.0.1:8080 npm run dev` serves the sources against a running Zebu.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

const server = process.env.ZEBU_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // light-dark() is used for both themes and must reach the browser as written.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/ajax': server, '/infostore': server } },
  // Style sheets are left out of tests unless asked for; the test of the tokens reads one.
  test: { include: ['src/**/*.test.ts'], environment: 'node', css: true },
})
