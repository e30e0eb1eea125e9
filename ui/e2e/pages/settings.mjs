// What users look after themselves.
import assert from 'node:assert/strict'
import { openWindow, shot, signIn, step } from '../kit.mjs'
import { checkSecondFactor } from './secondFactor.mjs'

/** By way of the menu, as people go there. */
async function openSettings(page) {
  await page.getByRole('button', { name: /^Account of/ }).click()
  await page.getByRole('menuitem', { name: 'Settings' }).click()
  await page.getByRole('heading', { name: 'Settings', exact: true }).waitFor()
}

export async function checkSettings(page) {
  const list = page.getByRole('list', { name: 'Where you are signed in' })
  const other = await openWindow(page.context().browser())

  await step('the settings show where one is signed in, this window by its mark', async () => {
    await signIn(other, 'anna')
    await openSettings(page)
    await list.getByRole('listitem').first().waitFor()
    assert.equal(await list.getByText('This one').count(), 1)
    assert.ok((await list.getByRole('listitem').count()) >= 2)
    assert.match(await list.getByRole('listitem').first().innerText(), /Chrome on Linux[\s\S]*127\.0\.0\.1 · last used Today/)
    await shot(page, 'settings')
  })

  await step('one session is ended, and its window is at the sign-in when it next asks', async () => {
    const before = await list.getByRole('listitem').count()
    // The other window signed in last, so it is the first of those that can be ended.
    await list.getByRole('button', { name: 'End the session of Chrome on Linux' }).first().click()
    await page.getByText('1 session ended.').waitFor()
    assert.equal(await list.getByRole('listitem').count(), before - 1)
    await other.reload()
    await other.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
  })

  await step('all others are ended at once, and this one goes on', async () => {
    await signIn(other, 'anna')
    await page.reload()
    await list.getByRole('listitem').first().waitFor()
    await page.getByRole('button', { name: 'End all others' }).click()
    await page.getByText(/ended\.$/).waitFor()
    await list.getByText('This one').waitFor()
    assert.equal(await list.getByRole('listitem').count(), 1)
    assert.equal(await page.getByRole('button', { name: 'End all others' }).isDisabled(), true)
    await other.reload()
    await other.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
  })
  await other.context().close()
  await checkSecondFactor(page)
  await page.goBack()
  await page.getByRole('grid', { name: 'Files and folders' }).waitFor()
}
