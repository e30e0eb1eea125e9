// The second factor and app passwords, from the settings to the sign-in.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { base, openWindow, password, shot, step } from '../kit.mjs'

/** What an authenticator app shows (RFC 6238). */
function codeOf(secret) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const tag = createHmac('sha1', key).update(counter).digest()
  const at = tag[19] & 15
  return String((tag.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

async function listFiles(login, secret) {
  const authorization = `Basic ${Buffer.from(`${login}:${secret}`).toString('base64')}`
  return (await fetch(`${base}/infostore/`, { method: 'PROPFIND', headers: { authorization, depth: '0' } })).status
}

/** On the settings page. Leaves everything as it was. */
export async function checkSecondFactor(page) {
  let recovery = []
  let appPassword = ''

  await step('an app password is shown once, and opens the files for a program', async () => {
    await page.getByLabel('Name of the program or device').fill('Laptop')
    await page.getByRole('button', { name: 'Make an app password' }).click()
    const shown = page.getByText('Sign in as “anna” with this password.').locator('xpath=..').locator('code')
    appPassword = await shown.innerText()
    assert.match(appPassword, /^([a-z2-7]{4}-){4}[a-z2-7]{4}$/)
    assert.equal(await listFiles('anna', appPassword), 207)
  })

  await step('the second factor is set up by what the page shows', async () => {
    await page.getByLabel('Your password').fill(password)
    await page.getByRole('button', { name: 'Set it up' }).click()
    await page.getByRole('img', { name: 'QR code for the authenticator app' }).waitFor()
    await shot(page, 'settings-second-factor')
    const secret = await page.getByText('Or type this into the app:').locator('code').innerText()
    await page.getByLabel('Code from the app').fill(codeOf(secret))
    await page.getByRole('button', { name: 'Turn it on' }).click()
    const group = page.getByRole('group', { name: 'Recovery codes' })
    await group.waitFor()
    recovery = await group.getByRole('listitem').allInnerTexts()
    assert.equal(recovery.length, 10)
    assert.equal(await listFiles('anna', password), 401)
    assert.equal(await listFiles('anna', appPassword), 207)
  })

  await step('the sign-in asks for a code, says when it is wrong, and takes a recovery code', async () => {
    const other = await openWindow(page.context().browser())
    await other.goto(base)
    await other.getByLabel('User name').fill('anna')
    await other.getByLabel('Password', { exact: true }).fill(password)
    await other.keyboard.press('Enter')
    const field = other.getByLabel('Code of your second factor')
    await field.waitFor()
    assert.equal(await field.evaluate((element) => element === document.activeElement), true)
    await shot(other, 'sign-in-code')
    await other.keyboard.type('000000')
    await other.keyboard.press('Enter')
    await other.getByRole('alert').filter({ hasText: 'LGI-0033' }).waitFor()
    await field.fill(recovery[0])
    await other.keyboard.press('Enter')
    await other.getByRole('heading', { name: 'My files' }).waitFor()
    await other.context().close()
  })

  await step('it is turned off again, and the app password is taken back', async () => {
    await page.getByLabel('Code from the app, or a recovery code').fill(recovery[1])
    await page.getByRole('button', { name: 'Turn it off' }).click()
    await page.getByRole('button', { name: 'Set it up' }).waitFor()
    await page.getByRole('button', { name: 'Take back “Laptop”' }).click()
    await page.getByText('“Laptop” does not open anything any more.').waitFor()
    assert.equal(await listFiles('anna', appPassword), 401)
    assert.equal(await listFiles('anna', password), 207)
  })
}
