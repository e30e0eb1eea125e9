// Every page by keyboard and by eye: sign-in, tree, list, dialogs, uploads, the end of a session, and pictures of it all
// in three widths and both themes.
//
//   node e2e/pages.mjs --base http://127.0.0.1:8080 [--shots DIR]
import { file, makeFolder, openFolder, openWindow, run, step, uploadByButton } from './kit.mjs'
import { checkKeyboard, signInByKeyboard } from './pages/keyboard.mjs'
import { checkLongList } from './pages/longList.mjs'
import { checkLooks } from './pages/looks.mjs'
import { checkSessions } from './pages/sessions.mjs'
import { checkSettings } from './pages/settings.mjs'
import { checkUploads } from './pages/uploads.mjs'

// A second run on the same data must not trip over the first.
const folder = `Pages ${Date.now().toString(36)}`

await run(async (browser) => {
  const anna = await openWindow(await browser())
  await signInByKeyboard(anna)
  await step('a folder with files to work on', async () => {
    await makeFolder(anna, folder)
    await openFolder(anna, folder)
    await makeFolder(anna, 'Inner folder')
    await uploadByButton(anna, [file('alpha.txt'), file('beta 2.txt', 'b'.repeat(2000)), file('beta 10.txt')])
  })
  await checkKeyboard(anna, folder)
  await checkUploads(anna)
  await checkLongList(anna)
  await checkSessions(anna, folder)
  await checkSettings(anna)
  await checkLooks(browser, folder)
})
