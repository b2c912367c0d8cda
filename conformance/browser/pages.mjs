// The hosted pages, as people meet them.
import assert from 'node:assert/strict'
import axe from 'axe-core'
import { at, authorization, fill, heading, login, plain, press, s, scene, stranger, until } from './lib/browser.mjs'
import { enter, inside, letter, newcomer, pages, reset } from './lib/hosted.mjs'

const refusals = { expected: /status of 4\d\d/ }
const light = (scheme) => [{ name: 'prefers-color-scheme', value: scheme }]

// each goes to each page in turn and calls look there.
async function each(page, look, more) {
  for (const name of Object.keys(pages).filter((n) => !inside.includes(n))) {
    await pages[name](page, more)
    await look(name)
  }
  await enter(page)
  for (const name of inside) {
    await pages[name](page, more)
    await look(name)
  }
}

for (const [scheme, width] of [['light', 390], ['dark', 1280]]) {
  scene(`axe finds nothing at ${width} pixels, ${scheme}`, async (page) => {
    await page.setViewport({ width, height: 900 })
    await page.emulateMediaFeatures(light(scheme))
    const found = []
    await each(page, async (name) => {
      await page.evaluate(axe.source)
      const { violations, passes } = await page.evaluate(() => window.axe.run())
      assert.ok(passes.length > 10, 'axe looked')
      for (const v of violations) found.push(`${name}: ${v.impact} ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' ')}`)
    })
    assert.deepEqual(found, [])
  }, refusals)
}

scene('no page scrolls sideways at 320 pixels, in any language', async (page) => {
  await page.setViewport({ width: 320, height: 640 })
  const wide = []
  for (const ui_locales of ['en', 'de', 'fr']) {
    for (const name of ['login', 'login with a problem', 'signup', 'forgot', 'error', 'a callback that is not registered']) {
      await pages[name](page, { ui_locales })
      const { lang, over } = await page.evaluate(() => ({ lang: document.documentElement.lang, over: document.documentElement.scrollWidth - innerWidth }))
      if (over > 0) wide.push(`${name} ${ui_locales}: ${over} too wide`)
      if (lang !== ui_locales) wide.push(`${name} ${ui_locales}: lang=${lang}`)
    }
  }
  await enter(page)
  await pages.consent(page)
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) wide.push('consent')
  assert.deepEqual(wide, [])
}, refusals)

scene('pages ask no other origin, and weigh less than 60 kB', async (page) => {
  const heavy = []
  await page.setCacheEnabled(false)
  for (const name of Object.keys(pages).filter((n) => !inside.includes(n))) {
    await pages[name](page)
    const weight = await page.evaluate(() => ['navigation', 'resource'] // all of it has come when the page has loaded
      .flatMap((type) => performance.getEntriesByType(type)).reduce((sum, e) => sum + e.decodedBodySize, 0))
    if (weight < 2_000 || weight > 60_000) heavy.push(`${name}: ${weight}`)
  }
  assert.deepEqual(heavy, [])
  assert.deepEqual([...page.origins], [s.url])
}, refusals)

scene('log-in by keyboard alone', async (page) => {
  await pages.login(page)
  await heading(page, 'Log in')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'username', 'where typing goes')
  await page.keyboard.type(s.ada.email)
  await page.keyboard.press('Tab')
  await page.keyboard.type(s.ada.password)
  const order = []
  for (let i = 0; i < 8 && order.at(-1) !== 'Log in'; i++) {
    await page.keyboard.press('Tab')
    const { name, ring } = await page.evaluate(() => {
      const e = document.activeElement
      const style = getComputedStyle(e)
      return {
        name: (e.closest('label') ?? e).innerText.trim(),
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== 'none',
      }
    })
    assert.ok(ring, `${name} shows that it has the focus`)
    order.push(name)
  }
  assert.deepEqual(order, ['Show password', 'Forgot password?', 'Log in'])
  await page.keyboard.press('Enter')
  await at(page, s.app + '/callback?code=')
})

scene('Enter in the password logs in, and a shown password counts', async (page) => {
  await pages.login(page)
  await heading(page, 'Log in')
  await page.keyboard.type(s.ada.email)
  await page.keyboard.press('Tab')
  await page.keyboard.type(s.ada.password.slice(0, 3))
  await page.locator('.reveal').click()
  assert.equal(await page.evaluate(() => document.activeElement.type), 'text')
  await page.keyboard.type(s.ada.password.slice(3))
  assert.equal(await page.$eval('.plain', (e) => e.value), s.ada.password)
  await page.keyboard.press('Enter')
  await at(page, s.app + '/callback?code=')
})

scene('without JavaScript: sign up, a wrong password, log in', async (page) => {
  await page.setJavaScriptEnabled(false)
  await pages.signup(page)
  const who = stranger()
  await plain.fill(page, 'E-mail address', who.email)
  await plain.fill(page, 'Password', who.password)
  await plain.press(page, 'Create account')
  await until('the callback', () => page.url().startsWith(s.app + '/callback?code='))
  await pages.login(page, { prompt: 'login' })
  await plain.login(page, { ...who, password: 'wrong' })
  await until('the problem', () => page.$('#problem').catch(() => null))
  await plain.fill(page, 'Password', who.password)
  await plain.press(page, 'Log in')
  await until('the callback', () => page.url().startsWith(s.app + '/callback?code='))
}, refusals)

scene('pressing a button twice does its work once', async (page) => {
  await pages.signup(page)
  const who = stranger()
  await fill(page, 'E-mail address', who.email)
  await fill(page, 'Password', who.password)
  await page.locator('aria/Create account[role="button"]').click({ count: 2, delay: 0 })
  await at(page, s.app + '/callback?code=')
  await pages.login(page, { prompt: 'login' })
  await fill(page, 'E-mail address', who.email)
  await fill(page, 'Password', who.password)
  await page.locator('aria/Log in[role="button"]').click({ count: 2, delay: 0 })
  await at(page, s.app + '/callback?code=')
}, refusals)

scene('the language is that of the browser when the application asks for none', async (page) => {
  await page.setExtraHTTPHeaders({ 'accept-language': 'fr-CH, fr;q=0.9, en;q=0.8' })
  await pages.login(page)
  assert.equal(await page.$eval('html', (e) => e.lang), 'fr')
  await press(page, 'Deutsch', 'link')
  await heading(page, 'Anmelden')
})

scene('password managers find what they look for', async (page) => {
  const inputs = () => page.$$eval('input:not([type=hidden])', (all) => all
    .filter((e) => getComputedStyle(e).display !== 'none' && e.type !== 'checkbox')
    .map((e) => [e.id, e.name, e.type, e.autocomplete]))
  await pages.login(page)
  assert.deepEqual(await inputs(), [['username', 'username', 'email', 'username'], ['password', 'password', 'password', 'current-password']])
  await pages.signup(page)
  assert.deepEqual(await inputs(), [['email', 'email', 'email', 'username'], ['password', 'password', 'password', 'new-password']])
  const link = await reset(page, await newcomer(page))
  await page.goto(link)
  const fields = await page.$$eval('form input', (all) => all.map((e) => e.autocomplete))
  assert.ok(fields.includes('new-password') && fields.includes('username'), fields.join(' '))
})

scene('a forgotten password is set anew by the letter, once', async (page) => {
  const who = await newcomer(page)
  const link = await reset(page, who)
  await page.goto(link)
  await heading(page, 'Set a new password')
  await fill(page, 'New password', 'Dry-Pebble-Anvil-19')
  await press(page, 'Save password')
  await heading(page, 'Your new password is saved')
  await page.goto(link)
  assert.equal(await page.$('input[name=password]'), null, 'the link is used up')
  await pages.login(page, { prompt: 'login' })
  await login(page, who)
  await page.locator('::-p-text(is not right)').wait()
  await login(page, { ...who, password: 'Dry-Pebble-Anvil-19' })
  await at(page, s.app + '/callback?code=')
}, refusals)

scene('an address is confirmed by the letter', async (page) => {
  const who = await newcomer(page)
  await page.goto(await letter(who.email))
  await heading(page, 'Confirm your e-mail address')
  await press(page, 'Confirm')
  await heading(page, 'Your e-mail address is confirmed')
})

scene('markup in what others send stays text', async (page) => {
  const hostile = { login_hint: s.probe, state: s.probe, ui_locales: s.probe, 'ext-x': s.probe, nonce: s.probe }
  const shown = []
  const look = async (name) => {
    if ((await page.evaluate(() => document.body.innerText)).includes('<img src=x onerror=alert(1)>')) shown.push(name)
    assert.equal(await page.$('img[src=x]'), null, name)
  }
  await pages.login(page, hostile)
  assert.equal(await page.locator('#username').map((e) => e.value).wait(), s.probe)
  await look('login hint')
  await pages.login(page, { ...hostile, client_id: s.probeClient })
  await look('client')
  await pages.error(page)
  await page.goto(authorization({ client_id: s.probe }))
  await look('client_id')
  await page.goto(authorization({ redirect_uri: s.probe }))
  await look('redirect_uri')
  await page.goto(`${s.url}/v2/logout?client_id=${s.client}&returnTo=${encodeURIComponent('https://evil.example/' + s.probe)}`)
  await look('returnTo')
  await page.goto(`${s.url}/u/login?state=${encodeURIComponent(s.probe)}`)
  await look('state')
  await page.goto(authorization({ 'ext-closed': s.probe, response_mode: 'web_message' }))
  await login(page, s.ada)
  await heading(page, 'Back to WAB Dashboard')
  assert.equal(await page.$('img[src=x]'), null)
  await page.goto(authorization({ client_id: s.probeClient }))
  await page.locator('button[value=allow]').wait()
  await look('consent')
  assert.deepEqual(page.dialogs, [])
  assert.deepEqual(shown, ['client', 'consent']) // other pages do not repeat it
}, { expected: /status of 4\d\d|postMessage/ })

scene('the log-in page cannot be framed', async (page) => {
  await page.goto(s.app + '/')
  await page.evaluate((url) => {
    const frame = document.createElement('iframe')
    frame.src = url
    document.body.append(frame)
  }, authorization())
  await until('Chromium to refuse', () => page.complaints.some((c) => /frame-ancestors|X-Frame-Options/.test(c)))
}, { expected: /frame-ancestors|X-Frame-Options/ })

scene('a form whose browser lost its cookies says so, and leads back to the application', async (page, context) => {
  await pages.login(page)
  await heading(page, 'Log in')
  await context.deleteCookie(...await context.cookies())
  await login(page, s.ada)
  await heading(page, 'Your browser sent no cookie back')
  assert.equal(await page.$('input[name=password]'), null)
  assert.equal(await page.$eval('main a[href]', (a) => a.href), s.app + '/')
}, refusals)

scene('going back after the log-in shows no form that fails', async (page) => {
  await pages.login(page)
  await login(page, s.ada)
  await at(page, s.app + '/callback?code=')
  await page.goBack()
  await until('a page', () => page.evaluate(() => document.body?.innerText.length > 0).catch(() => false))
  if (await page.$('#password')) {
    await login(page, s.ada)
    await at(page, s.app + '/callback?code=')
  }
}, refusals)

scene('an application that goes on to another origin is reached', async (page) => {
  await pages.login(page, { redirect_uri: s.app + '/onward' })
  await login(page, s.ada)
  await at(page, s.stray + '/arrived?code=')
})

scene('an action that sends people elsewhere does, and they come back', async (page) => {
  await pages.login(page, { 'ext-onward': s.stray + '/survey' })
  await login(page, s.ada)
  await at(page, s.stray + '/survey?')
  const { state } = await page.evaluate(() => Object.fromEntries(new URLSearchParams(location.search)))
  await page.goto(`${s.url}/continue?state=${encodeURIComponent(state)}`)
  await at(page, s.app + '/callback?code=')
})
