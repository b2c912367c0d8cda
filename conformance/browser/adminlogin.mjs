// The ways to log in to the pages of the plugin admin.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import axe from 'axe-core'
import { at, login, press, s, scene, until, watched } from './lib/browser.mjs'

const base = s.url + '/admin'
const seen = (page, what) => until(what, () => page.evaluate((w) => document.body.innerText.includes(w), what).catch(() => false))
const value = (page, selector) => page.$eval(selector, (e) => e.value)
const there = (page, name, role) => page.$(`aria/${name}[role="${role}"]`)
const refused = /status of 40[13]/

// watch counts how often Chromium would open its own dialog for a name and a password.
async function watch(page) {
  const cdp = await page.createCDPSession()
  page.asked = 0
  cdp.on('Fetch.authRequired', ({ requestId }) => {
    page.asked++
    void cdp.send('Fetch.continueWithAuth', { requestId, authChallengeResponse: { response: 'CancelAuth' } })
  })
  cdp.on('Fetch.requestPaused', ({ requestId }) => void cdp.send('Fetch.continueRequest', { requestId }))
  await cdp.send('Fetch.enable', { handleAuthRequests: true })
}

const logInPage = (page) => until('the log-in page', () => page.url() === base + '/login' && there(page, 'Log in', 'button'))

async function logIn(page, { email, password } = s.ada) {
  await logInPage(page)
  await page.locator('#identity').fill(email)
  await page.locator('#password').fill(password)
  await press(page, 'Log in')
}

async function enter(page, path = '/notes') {
  await page.goto(base + path)
  await logIn(page)
  await until(path, () => page.url().startsWith(base + path))
  await until('the user menu', () => there(page, s.ada.email, 'button'))
}

// secretless fails if a script of the page, or of another, could read what logs in.
async function secretless(page) {
  const found = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie)
  for (const secret of ['eyJ', s.ada.password, btoa(`${s.ada.email}:${s.ada.password}`)]) assert.ok(!found.includes(secret), found)
}

// over ends the log-in behind the page's back, as time does.
async function over(page) {
  if (s.by === 'cookie') return page.deleteCookie(...(await page.cookies()).filter((c) => c.name === '__Host-gate'))
  s.real ??= s.ada.password
  const password = s.ada.password + ' once more'
  const authorization = `Basic ${btoa(`${s.ada.email}:${s.ada.password}`)}`
  const res = await fetch(s.url + '/api/account/password', {
    method: 'PUT', headers: { 'Content-Type': 'application/json', Authorization: authorization }, body: JSON.stringify({ currentPassword: s.ada.password, password }),
  })
  assert.equal(res.status, 204, await res.text())
  s.ada.password = password
}

if (s.by === 'none') {
  scene('there is no log-in page, no user menu, and what everybody may do', async (page) => {
    await page.goto(base + '/notes')
    await press(page, 'Create', 'link')
    await page.locator('aria/Title[role="textbox"]').fill('Milk & <b>bread</b>')
    assert.equal(await there(page, 'Stamp', 'textbox'), null, 'a field that nobody writes')
    await press(page, 'Save')
    await seen(page, 'Milk & <b>bread</b>')
    assert.equal(await page.$$eval('header button', (list) => list.some((b) => /profile|log/i.test(b.ariaLabel ?? b.innerText))), false)
    await page.locator('tbody tr td:nth-child(2)').click()
    await until('the row', () => /\/show$/.test(page.url()))
    await seen(page, 'Milk')
    assert.equal(await there(page, 'Edit', 'link'), null)
    assert.equal(await there(page, 'Delete', 'button'), null)
    assert.deepEqual([...page.origins], [s.url])
  })
} else if (s.by === 'issuer') {
  const issuer = new URL(s.issuer).origin
  const byButton = async (page) => {
    await logInPage(page)
    await press(page, 'Log in')
    await login(page, s.ada)
  }
  const enterThere = async (page, path = '/notes') => {
    await page.goto(base + path)
    await byButton(page)
    await at(page, base + path)
    await until('the user menu', () => there(page, s.ada.email, 'button'))
  }
  const tokenless = async (page) => {
    const found = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie)
    assert.doesNotMatch(found, /eyJ|refresh_token|access_token/)
  }

  scene('the issuer logs in, and leads back to where one wanted to be; no token is stored', async (page) => {
    await enterThere(page, '/notes/create')
    await page.locator('aria/Title[role="textbox"]').wait()
    await tokenless(page)
    assert.deepEqual([...page.origins].sort(), [s.url, issuer].sort())
    await page.reload()
    await page.locator('aria/Title[role="textbox"]').wait()
    assert.equal(page.url(), base + '/notes/create')
    await tokenless(page)
  })

  scene('what the issuer refuses is told on the log-in page', async (page) => {
    await page.goto(base + '/notes')
    await logInPage(page)
    await press(page, 'Log in')
    await login(page, s.closed)
    await at(page, base + '/auth-callback')
    await seen(page, 'The kitchen is closed')
    await page.locator('aria/Log in[role="button"]').wait()
  })

  scene('words that somebody else puts into the address are none of the issuer', async (page) => {
    await page.goto(base + '/auth-callback?error=access_denied&error_description=Call+this+number&state=x')
    await until('a word', () => page.evaluate(() => document.querySelector('[role="alert"]')?.innerText.length > 0))
    assert.equal(await page.evaluate(() => document.body.innerText.includes('Call this number')), false)
  })

  scene('logging out ends the session at the issuer, and logs out the other tab', async (page, context) => {
    await enterThere(page)
    const other = watched(await context.newPage())
    await other.goto(base + '/notes')
    await until('the user menu', () => there(other, s.ada.email, 'button'))
    await press(other, s.ada.email)
    await press(other, 'Log out', 'menuitem')
    await at(other, base + '/login')
    await logInPage(other)
    await until('the log-in page of the other tab', () => page.url() === base + '/login')
    await other.bringToFront()
    assert.equal((await other.browserContext().cookies()).some((c) => /session/.test(c.name)), false)
    await press(other, 'Log in')
    await at(other, issuer)
    await other.locator('aria/Password[role="textbox"]').wait()
  })

  scene('when the log-in ends in the middle of a form, a window of the issuer mends that', async (page, context) => {
    await enterThere(page, '/notes/create')
    const title = `Written slowly ${Date.now()}`
    await page.locator('aria/Title[role="textbox"]').fill(title)
    // A token that is refused, as one of a session that has ended.
    let end = true
    await page.setRequestInterception(true)
    page.on('request', (r) => {
      if (end && r.method() === 'POST' && r.url() === s.url + '/api/notes') {
        void r.respond({ status: 401, contentType: 'application/json', body: '{"className":"not-authenticated","message":"Not authenticated","code":401}' })
      } else void r.continue()
    })
    await press(page, 'Save')
    await seen(page, 'Your log-in is over')
    await press(page, 'Cancel')
    await until('the dialog to be gone', async () => !(await page.$('[role="dialog"]')))
    assert.equal(await value(page, 'input[name="title"]'), title)
    await press(page, 'Save')
    await seen(page, 'Your log-in is over')
    end = false
    const opened = new Promise((resolve) => page.once('popup', resolve))
    await press(page, 'Log in')
    const win = await opened
    if (!win.isClosed()) await until('the window to close', () => win.isClosed())
    await until('the list', () => page.url().startsWith(base + '/notes') && !page.url().includes('create'))
    await seen(page, title)
    await tokenless(page)
  }, { expected: refused })
} else {
  scene('a wrong password is told, the right one leads to where one wanted to be', async (page) => {
    await watch(page)
    await page.goto(base + '/notes/create')
    await logIn(page, { ...s.ada, password: 'not this one' })
    await seen(page, 'Check both and try again')
    assert.equal(await value(page, '#identity'), s.ada.email)
    await logIn(page)
    await until('the form', () => page.url() === base + '/notes/create')
    await page.locator('aria/Title[role="textbox"]').wait()
    await secretless(page)
    assert.equal(page.asked, 0, 'the browser asks for a password itself')
    assert.deepEqual([...page.origins], [s.url])
  }, { expected: refused })

  scene(s.by === 'cookie' ? 'a page that is loaded again stays logged in' : 'a page that is loaded again has forgotten the password', async (page) => {
    await watch(page)
    await enter(page, '/notes/create')
    await page.reload()
    if (s.by === 'cookie') await page.locator('aria/Title[role="textbox"]').wait()
    else await logInPage(page)
    assert.equal(page.asked, 0, 'the browser asks for a password itself')
  }, { expected: refused })

  scene('logging out in one tab logs out the other', async (page, context) => {
    await enter(page)
    const other = watched(await context.newPage())
    await watch(other)
    if (s.by === 'cookie') {
      await other.goto(base + '/notes')
      await until('the user menu', () => there(other, s.ada.email, 'button'))
    } else await enter(other)
    await press(other, s.ada.email)
    await press(other, 'Log out', 'menuitem')
    await logInPage(other)
    await until('the log-in page of the other tab', () => page.url() === base + '/login')
    await page.bringToFront()
    await page.goto(base + '/notes')
    await logInPage(page)
    assert.equal(other.asked, 0, 'the browser asks for a password itself')
  }, { expected: refused })

  scene('when the log-in ends in the middle of a form, nothing that was typed is lost', async (page) => {
    await watch(page)
    await enter(page, '/notes/create')
    const title = `Written slowly ${Date.now()}`
    await page.locator('aria/Title[role="textbox"]').fill(title)
    await over(page)
    await press(page, 'Save')
    await seen(page, 'Your log-in is over')
    await press(page, 'Cancel')
    await until('the dialog to be gone', async () => !(await page.$('[role="dialog"]')))
    assert.equal(await value(page, 'input[name="title"]'), title)
    assert.equal(page.url(), base + '/notes/create')
    await press(page, 'Save')
    await page.locator('#again-password').fill('not this one')
    await press(page, 'Log in')
    await seen(page, 'The password is not right')
    await page.locator('#again-password').fill(s.ada.password)
    await press(page, 'Log in')
    await until('the list', () => page.url().startsWith(base + '/notes') && !page.url().includes('create'))
    await seen(page, title)
    await secretless(page)
    assert.equal(page.asked, 0, 'the browser asks for a password itself')
  }, { expected: refused })
  for (const [width, scheme] of [[390, 'light'], [1280, 'dark'], ...(s.shots ? [[390, 'dark'], [1280, 'light']] : [])]) {
    scene(`axe finds nothing serious in the dialog, which the keyboard alone answers: ${width} pixels, ${scheme}`, async (page) => {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }])
      await page.setViewport({ width, height: 800 })
      await page.goto(base + '/notes/create')
      await logIn(page)
      const title = `Written ${width} ${scheme} ${Date.now()}`
      await page.locator('aria/Title[role="textbox"]').fill(title)
      await over(page)
      await page.keyboard.press('Enter')
      await seen(page, 'Your log-in is over')
      await until('the password to have the focus', () => page.evaluate(() => document.activeElement?.id === 'again-password'))
      if (s.shots) {
        await mkdir(s.shots, { recursive: true })
        await page.screenshot({ path: `${s.shots}/again-${width}-${scheme}.png` })
      }
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }))
      assert.deepEqual(violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join('; ')}`), [])
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'too wide')
      await page.keyboard.type(s.ada.password)
      await page.keyboard.press('Enter')
      await until('the list', () => page.url().startsWith(base + '/notes') && !page.url().includes('create'))
      await seen(page, title)
    }, { expected: refused })
  }
}
