// The account pages of a service without an application, as people use them.
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import axe from 'axe-core'
import { at, fill, heading, plain, press, s, scene, stranger, until } from './lib/browser.mjs'

const refusals = { expected: /status of 4\d\d/ }
const go = (page, path) => page.goto(`${s.url}/account${path}`)

// letter returns the link in the newest letter to somebody whose text matches.
function letter(to, about) {
  return until(`a letter to ${to}`, async () => {
    const files = (await readdir(s.outbox)).filter((name) => name.endsWith(`-${to}.txt`)).sort().reverse()
    for (const name of files) {
      const text = await readFile(`${s.outbox}/${name}`, 'utf8')
      if (about.test(text)) return /http:\/\/localhost\S+/.exec(text)[0]
    }
  })
}

async function logIn(page, who) {
  await go(page, '/login')
  await heading(page, 'Log in')
  await fill(page, 'E-mail address', who.email)
  await fill(page, 'Password', who.password)
  await press(page, 'Log in')
  await heading(page, 'Account')
}

async function signUp(page, who = stranger()) {
  await go(page, '/signup')
  await fill(page, 'E-mail address', who.email)
  await fill(page, 'Password', who.password)
  await press(page, 'Create account')
  await heading(page, 'Confirm your e-mail address')
  return who
}

// newcomer has an account, and is logged in.
async function newcomer(page) {
  const who = await signUp(page)
  await logIn(page, who)
  return who
}

const says = (page, what) => until(what, () => page.evaluate((text) => document.body.innerText.includes(text), what).catch(() => false))

scene('somebody signs up, confirms, changes the address and the password, and leaves', async (page) => {
  await go(page, '')
  await at(page, `${s.url}/account/login?next=%2Faccount`)
  await press(page, 'Create an account', 'link')
  const who = stranger()
  await heading(page, 'Create an account')
  await fill(page, 'E-mail address', who.email)
  await fill(page, 'Password', 'short')
  await page.locator('aria/Name (optional)').fill('<b onclick="alert(1)">Maria</b>')
  await press(page, 'Create account')
  await says(page, 'The password must have at least 15 characters')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'password', 'the focus is on what is wrong')
  assert.match(await page.title(), /^Not created: check your details/)
  assert.equal(await page.$eval('#email', (e) => e.value), who.email)
  assert.equal(await page.$eval('#password', (e) => e.value), '')
  await fill(page, 'Password', who.password)
  await press(page, 'Create account')
  await heading(page, 'Confirm your e-mail address')

  await logIn(page, who)
  await says(page, 'not confirmed')
  await page.goto(await letter(who.email, /confirm/))
  await heading(page, 'Confirm your e-mail address')
  await press(page, 'Confirm')
  await heading(page, 'Your e-mail address is confirmed')
  await press(page, 'Go to canteen', 'link')
  await heading(page, 'Account') // still logged in
  assert.deepEqual(await page.$$eval('.tag', (tags) => tags.map((e) => e.textContent)), ['confirmed'])

  const next = stranger()
  await press(page, 'Change e-mail address', 'link')
  await fill(page, 'New e-mail address', next.email)
  await fill(page, 'Current password', who.password)
  await press(page, 'Send link')
  await says(page, 'A link to confirm the new address is on its way to it.')
  await page.goto(await letter(next.email, /./))
  await page.locator('button[type=submit]').click()
  await heading(page, 'Your e-mail address is changed')
  await press(page, 'Go to canteen', 'link')
  await says(page, next.email) // still logged in, under the new address

  await press(page, 'Change password', 'link')
  await fill(page, 'Current password', 'not-that-one-at-all')
  await fill(page, 'New password', next.password)
  await press(page, 'Save password')
  await says(page, 'The current password is not right.')
  await fill(page, 'Current password', who.password)
  await fill(page, 'New password', 'Dry-Aspen-Cobble-17')
  await press(page, 'Save password')
  await says(page, 'Your password is changed.')
  await press(page, 'Log out')
  await heading(page, 'You are logged out')
  await press(page, 'Log in again', 'link')
  await fill(page, 'E-mail address', next.email)
  await fill(page, 'Password', who.password)
  await press(page, 'Log in')
  await says(page, 'The e-mail address or the password is not right.')
  assert.equal(await page.$eval('#login', (e) => e.value), next.email)
  await fill(page, 'Password', 'Dry-Aspen-Cobble-17')
  await press(page, 'Log in')
  await heading(page, 'Account')
  assert.deepEqual([...page.origins], [s.url])
  assert.deepEqual(page.dialogs, [])
}, refusals)

scene('a forgotten password is set anew, once', async (page, context) => {
  const who = await newcomer(page)
  await press(page, 'Log out')
  await heading(page, 'You are logged out')
  const lost = await context.newPage()
  await go(lost, '/login')
  await press(lost, 'Forgot password?', 'link')
  await fill(lost, 'E-mail address', who.email)
  await press(lost, 'Send link')
  await heading(lost, 'Check your e-mail')
  const link = await letter(who.email, /new password/)
  await lost.goto(link)
  await heading(lost, 'Set a new password')
  await fill(lost, 'New password', 'Dry-Aspen-Cobble-17')
  await press(lost, 'Save password')
  await heading(lost, 'Your password is set')
  await press(lost, 'Go to canteen', 'link')
  await fill(lost, 'E-mail address', who.email)
  await fill(lost, 'Password', 'Dry-Aspen-Cobble-17')
  await press(lost, 'Log in')
  await heading(lost, 'Account')
  await lost.goto(link)
  await heading(lost, 'This link cannot be used')
}, refusals)

scene('an address that is taken is told to its owner alone', async (page) => {
  const who = await signUp(page)
  await signUp(page, who)
  await page.goto(await letter(who.email, /Somebody wanted to create an account/))
  await heading(page, 'Set a new password')
}, refusals)

scene('one browser logs the other out, and both tabs with it', async (page, context) => {
  const who = await newcomer(page)
  const elsewhere = await page.browser().createBrowserContext()
  try {
    const phone = await elsewhere.newPage()
    await logIn(phone, who)
    await press(page, 'Devices', 'link')
    await heading(page, 'Devices')
    await says(page, 'this device')
    await press(page, 'Log out everywhere else')
    await says(page, 'Every other device is logged out.')
    await says(page, 'Only this device is logged in.')
    await phone.reload()
    await heading(phone, 'Log in')
  } finally {
    await elsewhere.close()
  }
  const tab = await context.newPage()
  await go(tab, '/devices')
  await heading(tab, 'Devices')
  await press(tab, 'Log out')
  await heading(tab, 'You are logged out')
  await page.bringToFront()
  await press(page, 'Password', 'link')
  await heading(page, 'Log in')
}, refusals)

scene('the keyboard is enough', async (page) => {
  const who = await signUp(page)
  await go(page, '/login?next=%2Faccount%2Fdevices')
  const focused = () => page.evaluate(() => document.activeElement.name || document.activeElement.textContent.trim())
  assert.equal(await focused(), 'login', 'typing begins at once')
  await page.keyboard.type(who.email)
  await page.keyboard.press('Tab')
  assert.equal(await focused(), 'password')
  await page.keyboard.type(who.password)
  await page.keyboard.press('Tab')
  assert.equal(await focused(), 'password_reveal')
  await page.keyboard.press('Space') // shows an empty input of its own: what was typed stays where it was
  await page.keyboard.press('Space')
  for (const want of ['Forgot password?', 'Log in']) {
    await page.keyboard.press('Tab')
    assert.equal(await focused(), want)
  }
  await page.keyboard.press('Enter')
  await heading(page, 'Devices')
  await page.keyboard.press('Tab')
  assert.equal(await focused(), 'Skip to the content')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main')
  await page.keyboard.press('Tab')
  assert.equal(await focused(), 'Log out')
  await page.keyboard.press('Enter')
  await heading(page, 'You are logged out')
}, refusals)

scene('no page needs a script', async (page) => {
  await page.setJavaScriptEnabled(false)
  const who = stranger()
  await go(page, '/signup')
  await plain.fill(page, 'E-mail address', who.email)
  await plain.fill(page, 'Password', who.password)
  await plain.press(page, 'Create account')
  await plain.find(page, 'Confirm your e-mail address', 'heading')
  await go(page, '/login')
  await plain.login(page, who)
  await plain.find(page, 'Account', 'heading')
  await plain.press(page, 'Devices', 'link')
  await plain.find(page, 'Devices', 'heading')
  await plain.press(page, 'Log out')
  await plain.find(page, 'You are logged out', 'heading')
}, refusals)

// What each page is called, how to get there, and whether somebody is logged in.
const out = { 'login': '/login', 'signup': '/signup', 'forgot': '/forgot', 'verify': '/verify', 'logged-out': '/logged-out', 'missing': '/nosuch' }
const own = { 'account': '', 'password': '/password', 'devices': '/devices', 'email': '/email', 'keys': '/keys', 'logout': '/logout' }

const schemes = s.shots ? [['light', 390], ['dark', 390], ['light', 1280], ['dark', 1280]] : [['light', 390], ['dark', 1280]]
for (const [scheme, width] of schemes) {
  scene(`axe finds nothing at ${width} pixels, ${scheme}, and nothing scrolls sideways`, async (page) => {
    await page.setViewport({ width, height: width < 600 ? 844 : 800 })
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    if (s.shots) await mkdir(s.shots, { recursive: true })
    const found = []
    const look = async (name) => {
      if (s.shots) await page.screenshot({ path: `${s.shots}/account-${name.replace(', ', '-')}-${width}-${scheme}.png`, fullPage: true })
      await page.evaluate(axe.source)
      const { violations, passes } = await page.evaluate(() => window.axe.run())
      assert.ok(passes.length > 8, 'axe looked')
      for (const v of violations) found.push(`${name}: ${v.impact} ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' ')}`)
      for (const w of [width, 320]) {
        await page.setViewport({ width: w, height: 800 })
        if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push(`${name}: scrolls sideways at ${w}`)
      }
      await page.setViewport({ width, height: width < 600 ? 844 : 800 })
    }
    for (const [name, path] of Object.entries(out)) {
      await go(page, path)
      await look(name)
    }
    await go(page, '/login')
    await fill(page, 'E-mail address', 'nobody@example.com')
    await fill(page, 'Password', 'not-that-one-at-all')
    await press(page, 'Log in')
    await says(page, 'is not right')
    await look('login-problem')
    await go(page, '/signup')
    await fill(page, 'E-mail address', 'nobody@example.com')
    await fill(page, 'Password', 'short')
    await press(page, 'Create account')
    await says(page, 'at least 15 characters')
    await look('signup-problem')
    await go(page, '/forgot')
    await fill(page, 'E-mail address', 'nobody@example.com')
    await press(page, 'Send link')
    await heading(page, 'Check your e-mail')
    await look('forgot-sent')
    const who = await signUp(page)
    await look('signup-sent')
    await logIn(page, who)
    const elsewhere = await page.browser().createBrowserContext()
    try {
      const phone = await elsewhere.newPage()
      await phone.setUserAgent('Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1')
      await logIn(phone, who)
    } finally {
      await elsewhere.close()
    }
    for (const [name, path] of Object.entries(own)) {
      await go(page, path)
      await look(name)
    }
    await go(page, '/keys')
    await fill(page, 'Name', 'Till at the door')
    await page.locator('aria/What is yours').click()
    await press(page, 'Make key')
    await heading(page, 'Your new key')
    await look('key')
    await press(page, 'I have copied it', 'link')
    await heading(page, 'API keys')
    await look('keys, one')
    await press(page, 'Revoke Till at the door', 'link')
    await heading(page, 'Revoke this key?')
    await look('revoke')
    await press(page, 'Revoke')
    await says(page, 'The key is revoked.')
    assert.deepEqual(found, [])
  }, refusals)
}
