// Uploads that do not go through at once: taken names, busy servers, cancelling, versions.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeUploads, file, openFolder, row, step } from '../kit.mjs'

const newFile = (url) => url.pathname === '/ajax/infostore' && url.searchParams.get('action') === 'new'

export async function checkUploads(page) {
  const picker = page.getByLabel('Choose files to upload').first()
  const panel = page.getByRole('region', { name: 'Uploads' })

  await step('a taken name is asked about: keep both', async () => {
    await picker.setInputFiles([file('aleph.txt', 'another')])
    await page.getByRole('dialog', { name: 'A file of this name is here already' }).getByRole('button', { name: 'Keep both' }).click()
    await row(page, 'aleph (2).txt').waitFor()
    await closeUploads(page)
  })

  await step('a taken name is asked about: new version', async () => {
    await picker.setInputFiles([file('aleph.txt', 'the second')])
    await page.getByRole('button', { name: 'New version' }).click()
    await panel.getByText('1 file uploaded').waitFor()
    await closeUploads(page)
    await row(page, 'aleph.txt').getByRole('link').click()
    const details = page.getByRole('complementary', { name: 'Details' })
    await details.getByRole('button', { name: 'Download version 2' }).waitFor()
    const waiting = page.waitForEvent('download')
    await details.getByRole('button', { name: 'Download version 1' }).click()
    const chunks = []
    for await (const chunk of await (await waiting).createReadStream()) chunks.push(chunk)
    assert.equal(Buffer.concat(chunks).toString(), 'alpha.txt\n')
    await details.getByRole('button', { name: 'Close' }).click()
  })

  await step('a taken name is asked about: skip, for all at once', async () => {
    await picker.setInputFiles([file('aleph.txt'), file('aleph (2).txt')])
    const dialog = page.getByRole('dialog', { name: 'A file of this name is here already' })
    await dialog.getByRole('checkbox', { name: 'The same for 1 other file' }).check()
    await dialog.getByRole('button', { name: 'Skip' }).click()
    await dialog.waitFor({ state: 'detached' })
    await closeUploads(page)
  })

  await step('a busy node is asked again, and nobody notices', async () => {
    let refusals = 2
    await page.route(newFile, (route) =>
      refusals-- > 0 ? route.fulfill({ status: 503, body: '{"error":"busy","code":"DB-0001"}' }) : route.continue(),
    )
    await picker.setInputFiles([file('patience.txt')])
    await panel.getByText('Interrupted, trying again…').waitFor()
    await row(page, 'patience.txt').waitFor()
    await page.unroute(newFile)
    await closeUploads(page)
  })

  await step('an upload can be cancelled, and tried again', async () => {
    await page.route(newFile, () => {})
    await picker.setInputFiles([file('second thoughts.txt')])
    await panel.getByRole('progressbar', { name: 'All uploads' }).waitFor()
    await panel.getByRole('button', { name: 'Cancel second thoughts.txt' }).click()
    await panel.getByText('Cancelled', { exact: true }).waitFor()
    await page.unroute(newFile)
    await panel.getByRole('button', { name: 'Try second thoughts.txt again' }).click()
    await row(page, 'second thoughts.txt').waitFor()
    await closeUploads(page)
  })

  await step('a folder is dropped with everything in it', async () => {
    const place = await mkdtemp(join(tmpdir(), 'zebu-drop-'))
    try {
      await mkdir(join(place, 'Attic', 'Chest'), { recursive: true })
      await mkdir(join(place, 'Attic', 'Empty box'))
      await writeFile(join(place, 'Attic', 'lamp.txt'), 'lamp')
      await writeFile(join(place, 'Attic', 'Chest', 'coat.txt'), 'coat')
      await dropFromSystem(page, [join(place, 'Attic')])
      await panel.getByText('2 files uploaded').waitFor()
      await closeUploads(page)
    } finally {
      await rm(place, { recursive: true })
    }
    await row(page, 'Attic').waitFor()
    await openFolder(page, 'Attic')
    await row(page, 'lamp.txt').waitFor()
    await row(page, 'Empty box').waitFor()
    await openFolder(page, 'Chest')
    await row(page, 'coat.txt').waitFor()
    await page.goBack()
    await page.goBack()
    await row(page, 'Attic').waitFor()
  })

  await step('several are deleted at once', async () => {
    await row(page, 'patience.txt').click()
    await row(page, 'second thoughts.txt').click({ modifiers: ['Control'] })
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('dialog', { name: 'Delete 2 items?' }).getByRole('button', { name: 'Delete' }).click()
    await page.getByText('2 items deleted.').waitFor()
    await row(page, 'patience.txt').waitFor({ state: 'detached' })
    await row(page, 'second thoughts.txt').waitFor({ state: 'detached' })
  })
}

/** A drop as the file manager makes it: only this way does the page get folders. */
async function dropFromSystem(page, paths) {
  const box = await page.locator('[data-drop-target]').boundingBox()
  const devtools = await page.context().newCDPSession(page)
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop']) await devtools.send('Input.dispatchDragEvent', { type, ...at, data })
  await devtools.detach()
}
