// Runs after `vite build`: writes dist/licenses.txt, the notices of what the bundle contains of others.
import { readFile, readdir, writeFile } from 'node:fs/promises'

const bundled = ['svelte', 'clsx', 'esm-env', '@lucide/svelte', '@fontsource-variable/inter']
const root = new URL('../', import.meta.url)

const notices = await Promise.all(
  bundled.map(async (name) => {
    const folder = new URL(`node_modules/${name}/`, root)
    const { version, license } = JSON.parse(await readFile(new URL('package.json', folder), 'utf8'))
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
    if (!file) throw new Error(`${name} has no licence file`)
    return `${name} ${version} (${license})\n\n${(await readFile(new URL(file, folder), 'utf8')).trim()}\n`
  }),
)
await writeFile(new URL('dist/licenses.txt', root), notices.join(`\n${'-'.repeat(72)}\n\n`))
