// Every page in three widths and both themes: nothing sticks out, and with --shots there is a picture of each.
import assert from 'node:assert/strict'
import { base, file, openFolder, openWindow, row, shot, signIn, step } from '../kit.mjs'

const sizes = [
  { width: 390, height: 844, hasTouch: true, isMobile: true },
  { width: 820, height: 1180 },
  { width: 1440, height: 900 },
]
const newFile = (url) => url.pathname === '/ajax/infostore' && url.searchParams.get('action') === 'new'

export async function checkLooks(browser, folder) {
  const process = await browser()
  for (const { width, height, ...device } of sizes) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await openWindow(process, { viewport: { width, height }, colorScheme, ...device })
      const seen = async (name) => {
        await fits(page, name)
        await shot(page, `${name}-${width}-${colorScheme}`)
      }
      await step(`${width} pixels, ${colorScheme}: sign-in, list, dialogs, uploads`, () => files(page, folder, seen))
      await step(`${width} pixels, ${colorScheme}: cluster`, () => cluster(page, seen))
      await page.context().close()
    }
  }
  await step('a chosen theme outlasts a reload and the system’s', () => chosenTheme(process))
}

async function files(page, folder, seen) {
  await page.goto(base)
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
  await seen('login')
  await signIn(page, 'anna')
  await openFolder(page, folder)
  await row(page, 'aleph.txt').waitFor()
  await seen('list')
  await row(page, 'aleph.txt').click({ position: { x: 250, y: 10 } })
  await seen('selected')
  const navigation = page.getByRole('button', { name: 'Open navigation' })
  if (await navigation.isVisible()) {
    await navigation.click()
    await page.getByRole('treeitem', { name: 'My files' }).waitFor()
    await seen('tree')
    await page.keyboard.press('Escape')
  }
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: `Share “${folder}”` })
  await dialog.getByRole('combobox', { name: /^Role of Ben/ }).waitFor()
  await seen('share')
  await page.keyboard.press('Escape')
  await row(page, 'aleph.txt').getByRole('link').click()
  await page.getByRole('complementary', { name: 'Details' }).getByText('Version 2').first().waitFor()
  await seen('details')
  await page.getByRole('complementary', { name: 'Details' }).getByRole('button', { name: 'Close' }).click()
  await uploading(page, seen)
  await openFolder(page, 'Inner folder')
  await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor()
  await seen('empty')
}

/** Uploads that never end, for the picture. */
async function uploading(page, seen) {
  await page.route(newFile, () => {})
  const names = ['Panorama.tif', 'Sound check.wav', 'Poster A2.pdf', 'Cover letter.docx']
  await page.getByLabel('Choose files to upload').first().setInputFiles(names.map((name) => file(name, 'x'.repeat(90_000))))
  await page.getByRole('progressbar', { name: 'All uploads' }).waitFor()
  await seen('upload')
  await page.getByRole('button', { name: 'Cancel all' }).click()
  await page.getByRole('button', { name: 'Close uploads' }).click()
  await page.unroute(newFile)
}

async function cluster(page, seen) {
  await page.evaluate(() => sessionStorage.clear())
  await page.goto('about:blank')
  await signIn(page, 'oxadmin')
  await page.goto(`${base}/#/cluster`)
  await page.getByRole('heading', { name: 'Nodes' }).waitFor()
  await page.getByText('serves you').waitFor()
  await page.getByText('from memory', { exact: true }).waitFor()
  await page.getByText('Connected').first().waitFor()
  await seen('cluster')
}

/** Nothing is wider than the window, and no button of the page lies outside it. */
async function fits(page, name) {
  const found = await page.evaluate(() => {
    const outside = [...document.querySelectorAll('main button, main a, main h1, dialog button, dialog select')].filter((element) => {
      const box = element.getBoundingClientRect()
      return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1)
    })
    return { scrolls: document.documentElement.scrollWidth > innerWidth, outside: outside.map((element) => element.textContent || element.ariaLabel) }
  })
  assert.deepEqual(found, { scrolls: false, outside: [] }, name)
}

async function chosenTheme(process) {
  const page = await openWindow(process, { colorScheme: 'light' })
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  await page.goto(base)
  const light = await background()
  await page.getByRole('button', { name: 'Theme' }).click()
  await page.getByRole('menuitemradio', { name: 'Dark' }).click()
  const dark = await background()
  assert.notEqual(dark, light)
  await page.reload()
  assert.equal(await background(), dark)
  await page.context().close()
}
