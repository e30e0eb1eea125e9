// How a session goes on, ends, and comes back.
import assert from 'node:assert/strict'
import { base, openWindow, password, row, sessionToken, signIn, signOut, step } from '../kit.mjs'

export async function checkSessions(page, folder) {
  await step('a reload goes on where it was', async () => {
    await page.reload()
    await page.getByRole('heading', { name: folder }).waitFor()
    await row(page, 'aleph.txt').waitFor()
  })

  await step('a server that does not answer signs nobody out', async () => {
    await page.route('**/ajax/**', (route) => route.abort())
    await page.reload()
    await page.getByRole('heading', { name: 'The server cannot be reached' }).waitFor()
    await page.unroute('**/ajax/**')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: folder }).waitFor()
  })

  await step('a session ended elsewhere leads to the sign-in by itself, and back to the same folder', async () => {
    const token = await sessionToken(page)
    await page.evaluate((url) => fetch(url), `${base}/ajax/login?action=logout&session=${token}`)
    await page.getByText('Your session has ended.').waitFor()
    await page.getByLabel('User name').fill('anna')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: folder }).waitFor()
    await row(page, 'aleph.txt').waitFor()
  })

  await step('who stays signed in is signed in in a new window too', async () => {
    const first = await openWindow(page.context().browser())
    await first.goto(base)
    await first.getByLabel('User name').fill('anna')
    await first.getByLabel('Password', { exact: true }).fill(password)
    await first.getByLabel('Stay signed in').check()
    await first.keyboard.press('Enter')
    await first.getByRole('heading', { name: 'My files' }).waitFor()
    const second = await first.context().newPage()
    await second.goto(base)
    await second.getByRole('heading', { name: 'My files' }).waitFor()
    await signOut(second)
    const third = await first.context().newPage()
    await third.goto(base)
    await third.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
    await first.context().close()
  })

  await step('somebody else at the same window does not get the last one’s place', async () => {
    await signOut(page)
    await signIn(page, 'ben')
    assert.equal(await page.getByRole('treeitem', { name: folder, exact: true }).count(), 0)
    await signOut(page)
    await signIn(page, 'anna')
  })
}
