// auth0-spa-js by pop-up.
import assert from 'node:assert/strict'
import { claims, heading, login, press, s, scene, signup, until, watched } from './lib/browser.mjs'
import { call, open } from './lib/spa.mjs'

// popup presses the application's button and returns the window that opens.
async function popup(page, options = {}, config = {}) {
  await page.evaluate((o, c) => {
    document.getElementById('popup').onclick = () => {
      window.client.loginWithPopup(o, c).then(
        () => { window.answer = { ok: true } },
        (err) => { window.answer = { error: err.error, message: err.message } },
      )
    }
  }, options, config)
  const opened = new Promise((resolve) => page.once('popup', resolve))
  await press(page, 'Sign in')
  return watched(await opened)
}

const answer = (page) => until('an answer', () => page.evaluate(() => window.answer))

scene('signing up in a window of 400 by 600 pixels closes it and logs in', async (page) => {
  await open(page)
  const win = await popup(page, { authorizationParams: { screen_hint: 'signup' } })
  await heading(win, 'Create an account')
  const seen = await win.evaluate(() => ({ width: window.innerWidth, opener: window.opener !== null, wide: document.documentElement.scrollWidth }))
  assert.equal(seen.opener, true)
  assert.equal(seen.width, 400)
  assert.ok(seen.wide <= seen.width, `the page is ${seen.wide} wide`)
  const who = await signup(win)
  assert.deepEqual(await answer(page), { ok: true })
  await until('the window to close', () => win.isClosed())
  assert.deepEqual(win.complaints, [])
  assert.equal((await call(page, 'getUser')).ok.email, who.email)
  assert.deepEqual(claims((await call(page, 'getTokenSilently')).ok).permissions, [])
  assert.equal(page.url(), s.app + '/', 'the application stayed where it was')
})

scene('somebody who has a session sees no page', async (page) => {
  await open(page)
  const first = await popup(page)
  await login(first, s.ada)
  assert.deepEqual(await answer(page), { ok: true })
  await open(page)
  const second = await popup(page)
  assert.deepEqual(await answer(page), { ok: true })
  await until('the window to close', () => second.isClosed())
  assert.equal((await call(page, 'getUser')).ok.sub, s.ada.sub)
})

scene('a wrong password first, with the window still known to its opener', async (page) => {
  await open(page)
  const win = await popup(page)
  await login(win, { ...s.ben, password: 'wrong' })
  await win.locator('::-p-text(The e-mail address or the password is not right.)').wait()
  assert.equal(await win.evaluate(() => window.opener !== null), true)
  await login(win, s.ben)
  assert.deepEqual(await answer(page), { ok: true })
  assert.equal((await call(page, 'getUser')).ok.sub, s.ben.sub)
})

scene('a window that is closed is a cancelled log-in', async (page) => {
  await open(page)
  const win = await popup(page)
  await heading(win, 'Log in')
  await win.close()
  assert.deepEqual(await answer(page), { error: 'cancelled', message: 'Popup closed' })
  assert.equal((await call(page, 'getUser')).ok, undefined)
})

scene('somebody who does not consent is access_denied, and one who does is asked once', async (page) => {
  await open(page, { clientId: s.foreign })
  const win = await popup(page)
  await login(win, s.ada)
  await heading(win, "Allow Somebody Else's to use your account?")
  await press(win, 'Cancel')
  assert.deepEqual(await answer(page), { error: 'access_denied', message: 'User did not authorize the request' })
  await until('the window to close', () => win.isClosed())

  await open(page, { clientId: s.foreign })
  const again = await popup(page)
  await heading(again, "Allow Somebody Else's to use your account?")
  await press(again, 'Allow')
  assert.deepEqual(await answer(page), { ok: true })
  await open(page, { clientId: s.foreign })
  await popup(page)
  assert.deepEqual(await answer(page), { ok: true })
})

scene('an application that needs consent is told so in silence', async (page) => {
  await open(page)
  await login(await popup(page), s.ben)
  assert.deepEqual(await answer(page), { ok: true })
  await open(page, { clientId: s.foreign })
  assert.equal((await call(page, 'getTokenSilently')).error, 'consent_required')
})

scene('without a web origin the page names the setting, and posts nothing', async (page) => {
  await open(page, { clientId: s.bare })
  const win = await popup(page, {}, { timeoutInSeconds: 4 })
  await until('the page', async () => /web origins/i.test(await win.evaluate(() => document.body?.innerText ?? '').catch(() => '')))
  assert.ok((await win.evaluate(() => document.body.innerText)).includes(s.app), 'the origin to add')
  assert.deepEqual(await answer(page), { error: 'timeout', message: 'Timeout' })
})

scene('a callback that is not registered stays on a page that says why', async (page) => {
  await open(page, {}, s.stray + '/')
  const win = await popup(page)
  await win.locator('::-p-text(Callback URL mismatch)').wait()
  assert.equal(new URL(win.url()).origin, s.url)
})

scene('two windows at once log in two people, and nobody is mixed up', async (page, context) => {
  await open(page)
  const other = watched(await context.newPage())
  await open(other)
  await page.bringToFront()
  const one = await popup(page)
  await heading(one, 'Log in')
  await other.bringToFront()
  const two = await popup(other)
  await heading(two, 'Log in')
  await login(two, s.ben)
  assert.deepEqual(await answer(other), { ok: true })
  await one.bringToFront()
  await login(one, s.ada)
  assert.deepEqual(await answer(page), { ok: true })
  assert.equal((await call(page, 'getUser')).ok.sub, s.ada.sub)
  assert.equal((await call(other, 'getUser')).ok.sub, s.ben.sub)
})
