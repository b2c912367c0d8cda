// Log-in with another provider: an imitation of GitHub.
import assert from 'node:assert/strict'
import { heading, plain, press, s, scene, until, watched } from './lib/browser.mjs'
import { back, call, open, redirect } from './lib/spa.mjs'

scene('the button leads to the other provider, and back as its user', async (page) => {
  await open(page)
  await redirect(page)
  await heading(page, 'Log in')
  await press(page, 'Continue with GitHub', 'link')
  await heading(page, 'Sign in to GitHub as')
  assert.equal(new URL(page.url()).origin, s.upstream)
  await page.locator('::-p-text(Ada Lovelace)').click()
  assert.ok((await back(page)).ok)
  const { ok: user } = await call(page, 'getUser')
  assert.equal(user.sub, 'github|1001')
  assert.equal(user.name, 'Ada Lovelace')
  assert.equal(user.nickname, 'ada')
})

scene('connection=github skips the page, also by pop-up', async (page) => {
  await open(page)
  await page.evaluate(() => {
    document.getElementById('popup').onclick = () => {
      window.client.loginWithPopup({ authorizationParams: { connection: 'github' } }).then(
        () => { window.answer = { ok: true } }, (err) => { window.answer = { error: err.error } })
    }
  })
  const opened = new Promise((resolve) => page.once('popup', resolve))
  await press(page, 'Sign in')
  const win = watched(await opened)
  await win.locator('::-p-text(Alan Turing)').click()
  assert.deepEqual(await until('an answer', () => page.evaluate(() => window.answer)), { ok: true })
  const { ok: user } = await call(page, 'getUser')
  assert.equal(user.sub, 'github|1003')
  assert.equal(user.email, undefined)
})

scene('who cancels there is told here, and can choose another way', async (page) => {
  await open(page)
  await redirect(page)
  await press(page, 'Continue with GitHub', 'link')
  await press(page, 'Cancel')
  await page.locator('::-p-text(The log-in with GitHub was cancelled or refused.)').wait()
  await heading(page, 'Log in')
  assert.equal(new URL(page.url()).origin, s.url)
  await press(page, 'Continue with GitHub', 'link')
  await page.locator('::-p-text(Grace Hopper)').click()
  assert.ok((await back(page)).ok)
  const { ok: user } = await call(page, 'getUser')
  assert.equal(user.sub, 'github|1002')
  assert.notEqual(user.email_verified, true)
}, { expected: /status of 4\d\d/ })

scene('the way works without JavaScript', async (page) => {
  await open(page)
  await redirect(page)
  await heading(page, 'Log in')
  const url = page.url()
  await page.setJavaScriptEnabled(false)
  await page.goto(url)
  await plain.press(page, 'Continue with GitHub', 'link')
  await plain.press(page, 'Ada Lovelace ada@example.com')
  await until('the callback', () => page.url().startsWith(s.app + '/callback?code='))
})
