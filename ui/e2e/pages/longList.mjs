// Ten thousand files: the server's answer is replaced, the list is the real one.
import assert from 'node:assert/strict'
import { refresh, row, step } from '../kit.mjs'

const filesCount = 10_000
const rowsMax = 60
/** Far above what it takes, far below what a list without a window would take. */
const answerMsMax = 2_500

const allFiles = (url) => url.pathname === '/ajax/infostore' && url.searchParams.get('action') === 'all'

export async function checkLongList(page) {
  await page.route(allFiles, async (route) => {
    const url = new URL(route.request().url())
    const columns = url.searchParams.get('columns').split(',').map(Number)
    const folder = url.searchParams.get('folder')
    const value = (column, number) =>
      ({ 1: `9${number}`, 20: folder, 700: `scan ${number}.tif`, 702: `scan ${number}.tif`, 704: number * 1000, 705: 1 })[column] ?? null
    const data = Array.from({ length: filesCount }, (_, index) => columns.map((column) => value(column, index + 1)))
    await route.fulfill({ json: { data, timestamp: 1 } })
  })

  await step('ten thousand files are a list like any other', async () => {
    const began = Date.now()
    await refresh(page)
    await row(page, 'scan 1.tif').waitFor()
    assert.ok(Date.now() - began < answerMsMax, `${Date.now() - began} ms`)
    const drawn = await page.getByRole('row').count()
    assert.ok(drawn < rowsMax, `${drawn} rows in the page`)
  })
  await step('its end is one key away, and everything can be selected', async () => {
    const began = Date.now()
    await page.getByRole('grid').focus()
    await page.keyboard.press('End')
    await row(page, 'scan 10000.tif').waitFor()
    await page.keyboard.press('Control+a')
    await page.getByText(/^10,00\d selected$/).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Home')
    await row(page, 'scan 1.tif').waitFor()
    assert.ok(Date.now() - began < answerMsMax, `${Date.now() - began} ms`)
  })

  await page.unroute(allFiles)
  await refresh(page)
  await row(page, 'aleph.txt').waitFor()
}
