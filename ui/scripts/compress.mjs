// Runs after `vite build`: writes a .gz and a .br beside every text asset of dist/, so that the web tier sends them as they
// are. Files below `bytesMin` gain nothing and are left alone.
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url).pathname
const textual = new Set(['.html', '.js', '.css', '.svg', '.json', '.txt', '.webmanifest'])
const bytesMin = 512

const asGzip = (content) => promisify(gzip)(content, { level: 9 })
const asBrotli = (content) =>
  promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } })

for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !textual.has(extname(entry.name))) continue
  const path = join(entry.parentPath, entry.name)
  const content = await readFile(path)
  if (content.length < bytesMin) continue
  const [gz, br] = await Promise.all([asGzip(content), asBrotli(content)])
  await Promise.all([writeFile(`${path}.gz`, gz), writeFile(`${path}.br`, br)])
  console.log(`${path.slice(dist.length)}  ${content.length} B, gzip ${gz.length} B, brotli ${br.length} B`)
}
