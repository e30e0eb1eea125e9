// What the browser tests share: arguments, real browsers, one printed line a step, and the people who use the pages.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'

const { values } = parseArgs({ options: { base: { type: 'string' }, shots: { type: 'string' } } })
if (!values.base) {
  console.error('usage: node e2e/<test>.mjs --base http://127.0.0.1:PORT [--shots DIR]')
  process.exit(2)
}

export const base = values.base.replace(/\/$/, '')
export const shotsDir = values.shots
export const password = 'secret'

const chromiumFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** A step that takes longer than this hangs. */
const stepMsMax = 15_000

/** One browser process, not only a window: nothing is shared between two of them. */
export function openBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: chromiumFlags })
}

/** A window that reports errors of the page as failures of the test. */
export async function openWindow(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light', ...options })
  context.setDefaultTimeout(stepMsMax)
  const page = await context.newPage()
  page.on('pageerror', (error) => fail(error))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) fail(new Error(message.text()))
  })
  return page
}

let stepsDone = 0

/** Runs one step and prints it; the first failure ends the test with the state of every window. */
export async function step(what, act) {
  const began = performance.now()
  try {
    const result = await act()
    stepsDone++
    console.log(`ok    ${String(Math.round(performance.now() - began)).padStart(5)} ms  ${what}`)
    return result
  } catch (error) {
    console.log(`FAIL  ${String(Math.round(performance.now() - began)).padStart(5)} ms  ${what}`)
    fail(error)
    throw error
  }
}

/** Runs a test to its end; the exit code tells how it went. */
export async function run(test) {
  const browsers = []
  try {
    await test(async () => {
      const browser = await openBrowser()
      browsers.push(browser)
      return browser
    })
    // An error of a page fails the test even if every step went through.
    console.log(`browser: ${stepsDone} passed, ${process.exitCode === 1 ? 1 : 0} failed`)
  } catch (error) {
    fail(error)
    await Promise.all(browsers.flatMap((browser, number) => lastSights(browser, number)))
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()))
  }
}

export async function shot(page, name) {
  if (!shotsDir) return
  mkdirSync(shotsDir, { recursive: true })
  // Toasts and transitions have come to rest when two pictures in a row are equal.
  let last = await page.screenshot()
  for (let round = 0; round < 10; round++) {
    const next = await page.screenshot()
    if (next.equals(last)) break
    last = next
  }
  await page.screenshot({ path: join(shotsDir, `${name}.png`) })
}

export async function signIn(page, name) {
  await page.goto(`${base}/`)
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'My files' }).waitFor()
}

export async function signOut(page) {
  await page.getByRole('button', { name: /^Account of/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
}

/** Rows are found by the name they begin with. */
export function row(page, name) {
  return page.getByRole('row', { name: new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')},`) })
}

export function file(name, content = `${name}\n`, mimeType = 'text/plain') {
  return { name, mimeType, buffer: Buffer.from(content) }
}

/** Uploads through the button's file field and waits until every file is in the list. */
export async function uploadByButton(page, files) {
  await page.getByLabel('Choose files to upload').first().setInputFiles(files)
  for (const { name } of files) await row(page, name).waitFor()
  await closeUploads(page)
}

/** Drops files on the list as the file manager would. */
export async function uploadByDrop(page, files) {
  const contents = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, bytes: [...buffer] }))
  const transfer = await page.evaluateHandle((dropped) => {
    const data = new DataTransfer()
    for (const { name, mimeType, bytes } of dropped) data.items.add(new File([new Uint8Array(bytes)], name, { type: mimeType }))
    return data
  }, contents)
  const target = page.locator('[data-drop-target]')
  for (const event of ['dragenter', 'dragover', 'drop']) await target.dispatchEvent(event, { dataTransfer: transfer })
  for (const { name } of files) await row(page, name).waitFor()
  await closeUploads(page)
}

export async function closeUploads(page) {
  await page.getByRole('button', { name: 'Close uploads' }).click()
  await page.getByRole('region', { name: 'Uploads' }).waitFor({ state: 'detached' })
}

export async function makeFolder(page, name) {
  await page.getByRole('button', { name: 'New folder' }).click()
  const dialog = page.getByRole('dialog', { name: 'New folder' })
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name)
  await dialog.getByRole('button', { name: 'Create folder' }).click()
  await dialog.waitFor({ state: 'detached' })
  await row(page, name).waitFor()
}

export async function openFolder(page, name) {
  await row(page, name).getByRole('link').click()
  await page.getByRole('heading', { name, exact: true }).waitFor()
}

export async function refresh(page) {
  await page.getByRole('button', { name: 'Refresh' }).click()
}

/** The node that the cookie names: the part after the dot. */
export async function routeOf(page) {
  const cookies = await page.context().cookies(base)
  return cookies.find((cookie) => cookie.name === 'JSESSIONID')?.value.split('.').pop()
}

/** A session id that the web tier signed with the route of a node: nobody can make one themselves, and each node has its turn. */
export async function signedRoute(route) {
  for (let turn = 0; turn < 200; turn++) {
    const response = await fetch(`${base}/ajax/capabilities?action=all`)
    const given = response.headers.getSetCookie().find((line) => line.startsWith('JSESSIONID='))
    const id = given?.slice('JSESSIONID='.length).split(';')[0]
    if (id?.endsWith(`.${route}`)) return id
  }
  throw new Error(`no turn came to ${route}`)
}

/** Before the login, so that the login itself goes to that node. */
export async function pin(page, route) {
  await page.context().addCookies([{ name: 'JSESSIONID', value: await signedRoute(route), url: base }])
}

export async function sessionToken(page) {
  const kept = await page.evaluate(() => sessionStorage.getItem('zebu.session'))
  const { token } = JSON.parse(kept)
  assert.match(token, /^[0-9a-f]{32}$/)
  return token
}

function lastSights(browser, number) {
  if (!shotsDir) return []
  mkdirSync(shotsDir, { recursive: true })
  const pages = browser.contexts().flatMap((context) => context.pages())
  return pages.map((page, index) => page.screenshot({ path: join(shotsDir, `failed-${number}-${index}.png`) }).catch(() => {}))
}

function fail(error) {
  if (process.exitCode !== 1) console.error(error)
  process.exitCode = 1
}
