// The main job, in two real browsers on two nodes: anna shares a folder with ben, both work in it, anna withdraws it and
// signs out. Every step of one person is true for the other at once, on the other node.
//
//   node e2e/main-job.mjs --base http://127.0.0.1:8080 [--shots DIR]
import assert from 'node:assert/strict'
import {
  base,
  file,
  makeFolder,
  openFolder,
  openWindow,
  pin,
  refresh,
  routeOf,
  row,
  run,
  sessionToken,
  shot,
  shotsDir,
  signIn,
  signOut,
  signedRoute,
  step,
  uploadByButton,
  uploadByDrop,
} from './kit.mjs'

const routes = { anna: 'OX-1', ben: 'OX-2' }
// A second run on the same data must not trip over the first.
const folder = `Harvest ${new Date().toISOString().slice(11, 19).replaceAll(':', '.')}`

await run(async (browser) => {
  const anna = await openWindow(await browser())
  const ben = await openWindow(await browser())

  await step('nothing is pushed to them: what one does, the other sees by asking', () => withoutPush([anna, ben]))
  await step('anna is pinned to node 1, ben to node 2', async () => {
    await pin(anna, routes.anna)
    await pin(ben, routes.ben)
  })
  await step('anna signs in', () => signIn(anna, 'anna'))
  await step('ben signs in', () => signIn(ben, 'ben'))
  await step('they are on different nodes', async () => {
    assert.equal(await routeOf(anna), routes.anna)
    assert.equal(await routeOf(ben), routes.ben)
    for (const [page, route] of [[anna, routes.anna], [ben, routes.ben]]) {
      const served = await servedBy(page)
      if (served !== undefined) assert.equal(served, route)
    }
  })
  if (shotsDir) await step('anna has files of her own, for the picture', () => furnish(anna))

  await step('anna makes a folder', () => makeFolder(anna, folder))
  await step('anna opens it and finds it empty', async () => {
    await openFolder(anna, folder)
    await anna.getByRole('heading', { name: 'Nothing here yet' }).waitFor()
  })
  await step('anna uploads a file with the button', () => uploadByButton(anna, [file('plan.txt')]))
  await step('anna uploads a file by dropping it', () => uploadByDrop(anna, [file('yield.csv', 'field,tons\nwest,12\n', 'text/csv')]))

  await step('ben sees nothing of it yet', async () => {
    await ben.getByRole('treeitem', { name: 'Shared with me' }).click()
    await ben.getByRole('heading', { name: 'Shared with me' }).waitFor()
    await refreshed(ben)
    assert.equal(await row(ben, folder).count(), 0)
  })
  await step('anna shares the folder with ben as author', () => share(anna))
  await step('ben sees it with his very next request', async () => {
    await refreshed(ben)
    assert.equal(await row(ben, folder).count(), 1)
  })
  await step('ben opens it and sees both files', async () => {
    await openFolder(ben, folder)
    await row(ben, 'plan.txt').waitFor()
    await row(ben, 'yield.csv').waitFor()
  })
  await step('ben may not share it: he is no administrator', async () => {
    assert.equal(await ben.getByRole('button', { name: 'Share', exact: true }).isDisabled(), true)
  })
  await step('ben uploads a file', () => uploadByButton(ben, [file('from ben.txt')]))
  await step('anna sees it as soon as she comes back to her window', async () => {
    await anna.evaluate(() => dispatchEvent(new Event('focus')))
    await row(anna, 'from ben.txt').waitFor()
  })
  await step('ben renames one of anna’s files', () => rename(ben, 'plan.txt', 'plan for autumn.txt'))
  await step('anna sees the new name with her next request', async () => {
    await refreshed(anna)
    assert.equal(await row(anna, 'plan for autumn.txt').count(), 1)
    assert.equal(await row(anna, 'plan.txt').count(), 0)
  })
  await step('anna downloads what ben wrote, unchanged', async () => {
    await row(anna, 'from ben.txt').click()
    const waiting = anna.waitForEvent('download')
    await anna.getByRole('button', { name: 'Download', exact: true }).click()
    const download = await waiting
    assert.equal(download.suggestedFilename(), 'from ben.txt')
    assert.equal(await text(await download.createReadStream()), 'from ben.txt\n')
  })
  await shot(anna, 'shared-folder')
  if (shotsDir) await step('the picture of a drive in use', () => portrait(anna))

  await step('anna withdraws the share', () => withdraw(anna))
  await step('ben’s very next action is refused, in plain words', async () => {
    await row(ben, 'yield.csv').click()
    await ben.keyboard.press('F2')
    const dialog = ben.getByRole('dialog', { name: 'Rename file' })
    await dialog.getByRole('textbox', { name: 'Name' }).fill('mine now.csv')
    await dialog.getByRole('button', { name: 'Rename' }).click()
    await ben.getByRole('heading', { name: 'This folder is no longer shared with you' }).waitFor()
    assert.equal(await row(ben, 'yield.csv').count(), 0)
    await ben.getByRole('treeitem', { name: folder }).waitFor({ state: 'detached' })
  })
  await shot(ben, 'withdrawn')
  await step('nothing of his reached the folder', async () => {
    await refreshed(anna)
    assert.equal(await row(anna, 'yield.csv').count(), 1)
    assert.equal(await row(anna, 'mine now.csv').count(), 0)
  })

  const token = await sessionToken(anna)
  const cookies = await anna.context().cookies(base)
  await step('anna’s session is good on both nodes', async () => {
    for (const route of Object.values(routes)) assert.equal((await ask(token, cookies, route)).code, undefined)
  })
  await step('anna signs out', () => signOut(anna))
  await step('her session is over on both nodes', async () => {
    for (const route of Object.values(routes)) assert.equal((await ask(token, cookies, route)).code, 'SES-0203')
  })
  await step('ben is still signed in', async () => {
    await ben.getByRole('link', { name: 'Go to my files' }).click()
    await ben.getByRole('heading', { name: 'My files' }).waitFor()
  })
})

function withoutPush(pages) {
  return Promise.all(pages.map((page) => page.route(/action=subscribe/, (route) => route.abort())))
}

/** What the node says of itself; undefined for who may not ask. */
async function servedBy(page) {
  const token = await sessionToken(page)
  const answer = await page.evaluate(
    async (url) => (await fetch(url)).json(),
    `${base}/ajax/cluster?action=status&session=${token}`,
  )
  return answer.data?.served_by
}

/** Asks as anna, outside any browser, on one node. */
async function ask(token, cookies, route) {
  const aim = await signedRoute(route)
  const pinned = cookies.map(({ name, value }) => `${name}=${name === 'JSESSIONID' ? aim : value}`)
  const response = await fetch(`${base}/ajax/folders?action=root&columns=1&session=${token}`, {
    headers: { cookie: pinned.join('; ') },
  })
  return response.json()
}

/** Presses "Refresh" once and waits until what it asked for is shown. */
async function refreshed(page) {
  const asked = page.waitForRequest((request) => /action=list\b/.test(request.url()))
  await refresh(page)
  await asked
  await page.locator('[aria-busy=false]').and(page.getByRole('button', { name: 'Refresh' })).waitFor()
}

async function share(page) {
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: `Share “${folder}”` })
  await dialog.getByRole('combobox', { name: 'Add people and groups' }).fill('ben')
  await dialog.getByRole('option', { name: /ben/i }).first().click()
  await dialog.getByRole('combobox', { name: /^Role of ben/i }).selectOption('author')
  await shot(page, 'share-dialog')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
}

async function withdraw(page) {
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: `Share “${folder}”` })
  await dialog.getByRole('button', { name: /^Remove ben/i }).click()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
}

async function rename(page, from, to) {
  await row(page, from).click()
  await page.keyboard.press('F2')
  const dialog = page.getByRole('dialog', { name: 'Rename file' })
  await dialog.getByRole('textbox', { name: 'Name' }).fill(to)
  await dialog.getByRole('button', { name: 'Rename' }).click()
  await dialog.waitFor({ state: 'detached' })
  await row(page, to).waitFor()
}

/** Fills an empty home so that the picture shows a drive in use. */
async function furnish(page) {
  const folders = ['Autumn campaign', 'Contracts', 'Field photos', 'Minutes']
  for (const name of folders) if ((await row(page, name).count()) === 0) await makeFolder(page, name)
  const sized = (name, bytes, type) => ({ name, mimeType: type, buffer: Buffer.alloc(bytes, name) })
  const files = [
    sized('Annual report 2026.pdf', 4_812_331, 'application/pdf'),
    sized('Budget draft.xlsx', 88_210, 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'),
    sized('Harbour at dawn.jpg', 3_410_998, 'image/jpeg'),
    sized('Interview with the keeper.mp3', 6_800_400, 'audio/mpeg'),
    sized('Kick-off slides.pptx', 2_920_100, 'application/vnd.openxmlformats-officedocument.presentationml.presentation'),
    sized('Letter to the council.docx', 41_300, 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'),
    sized('Logo pack.zip', 1_220_300, 'application/zip'),
    sized('Route plan.md', 12_400, 'text/markdown'),
  ]
  const missing = []
  for (const one of files) if ((await row(page, one.name).count()) === 0) missing.push(one)
  if (missing.length > 0) await uploadByButton(page, missing)
}

/** Her files, with the shared folder's details beside them; then back to where she was. */
async function portrait(page) {
  await page.getByRole('treeitem', { name: 'My files' }).click()
  await row(page, folder).click()
  await page.getByRole('button', { name: 'Details', exact: true }).click()
  await page.getByRole('complementary', { name: 'Details' }).getByText('Author').waitFor()
  const messages = page.getByRole('button', { name: 'Dismiss message' })
  while ((await messages.count()) > 0) await messages.first().click()
  await page.mouse.move(0, 0)
  await shot(page, 'main')
  await page.getByRole('button', { name: 'Details', exact: true }).click()
  await openFolder(page, folder)
}

async function text(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
