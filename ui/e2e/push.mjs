// Push, in two real browsers on two nodes: what one does appears at the other without asking, over one connection a tab; also
// when the other could not be reached for a moment.
//
//   node e2e/push.mjs --base http://127.0.0.1:8080 [--shots DIR]
import assert from 'node:assert/strict'
import { base, file, makeFolder, openFolder, openWindow, pin, routeOf, row, run, signIn, signOut, step, uploadByButton } from './kit.mjs'

// A second run on the same data must not trip over the first.
const folder = `Pushed ${Date.now().toString(36)}`

await run(async (browser) => {
  const anna = await openWindow(await browser())
  const far = await openWindow(await browser())
  const streams = new Map()
  await step('two windows that never ask by themselves, on two nodes', async () => {
    for (const [page, route] of [[anna, 'OX-1'], [far, 'OX-2']]) {
      streams.set(page, watchStreams(page))
      await page.addInitScript(neverPoll)
      await pin(page, route)
      await signIn(page, 'anna')
      assert.equal(await routeOf(page), route)
    }
  })
  await step('each has one stream open', async () => {
    for (const page of [anna, far]) await until(page, () => streams.get(page).open === 1 && streams.get(page).opened > 0)
  })

  await step('a folder made in one window appears in the other, in the list and in the tree', async () => {
    await makeFolder(anna, folder)
    await row(far, folder).waitFor()
    await far.getByRole('treeitem', { name: folder }).waitFor()
  })
  await step('both open it; still one stream each', async () => {
    for (const page of [anna, far]) {
      await openFolder(page, folder)
      await until(page, () => streams.get(page).open === 1)
    }
  })
  await step('files come and go in both directions', async () => {
    await uploadByButton(anna, [file('from near.txt')])
    await row(far, 'from near.txt').waitFor()
    await uploadByButton(far, [file('from far.txt')])
    await row(anna, 'from far.txt').waitFor()
    await remove(far, 'from near.txt')
    await row(anna, 'from near.txt').waitFor({ state: 'detached' })
  })
  await step('what happens while the network is away is shown when it is back', async () => {
    await far.context().setOffline(true)
    await uploadByButton(anna, [file('meanwhile.txt')])
    assert.equal(await row(far, 'meanwhile.txt').count(), 0)
    await far.context().setOffline(false)
    await row(far, 'meanwhile.txt').waitFor()
    await until(far, () => streams.get(far).open === 1)
  })
  await step('the folder is deleted in one window, and the other says that it is gone', async () => {
    await anna.getByRole('treeitem', { name: 'My files' }).click()
    await remove(anna, folder)
    await far.getByRole('heading', { name: 'This folder is no longer shared with you' }).waitFor()
  })
  await step('who signs out has no stream any more', async () => {
    await signOut(anna)
    await until(anna, () => streams.get(anna).open === 0)
  })
})

/** In the page: no timer that would ask now and then, so that only what is told can bring anything new. */
function neverPoll() {
  const real = window.setInterval
  window.setInterval = (act, ms, ...rest) => (ms >= 5_000 ? 0 : real(act, ms, ...rest))
}

/** Counts the streams of a page. */
function watchStreams(page) {
  const open = new Set()
  const counts = {
    opened: 0,
    get open() {
      return open.size
    },
  }
  page.on('request', (request) => {
    if (!/action=subscribe/.test(request.url())) return
    open.add(request)
    counts.opened++
  })
  for (const event of ['requestfinished', 'requestfailed']) page.on(event, (request) => open.delete(request))
  return counts
}

/** Waits, looking again whenever the page has drawn a frame. */
async function until(page, isSo) {
  for (let frame = 0; frame < 3_000 && !isSo(); frame++) await page.evaluate(() => new Promise(requestAnimationFrame))
  assert.ok(isSo())
}

async function remove(page, name) {
  await row(page, name).click()
  await page.keyboard.press('Delete')
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: /^Delete/ }).click()
  await dialog.waitFor({ state: 'detached' })
  await row(page, name).waitFor({ state: 'detached' })
}
