// The dashboard of examples/restaurant-auth0/web, used as a person does.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import axe from 'axe-core'
import { at, fill, heading, login, press, s, scene, signup, until, watched } from './lib/browser.mjs'

const seen = (page, what) => until(what, () => page.evaluate((w) => document.body.innerText.includes(w), what).catch(() => false))
const offered = (page, name) => page.$(`aria/${name}[role="button"]`)
const json = { 'Content-Type': 'application/json' }

// signIn goes through the window that a button opens.
async function signIn(page, who, name = 'Sign in') {
  const opened = new Promise((resolve) => page.once('popup', resolve))
  await press(page, name)
  const win = watched(await opened)
  const done = name === 'Sign up' ? await signup(win) : await login(win, who)
  await until('the window to close', () => win.isClosed())
  assert.deepEqual(win.complaints, [])
  return done ?? who
}

async function enter(page, who = s.ada) {
  await page.goto(s.at)
  await heading(page, 'Menu')
  await signIn(page, who)
  await seen(page, `You are signed in as ${who.email}.`)
}

// token is one that the page has for its requests.
async function token(page) {
  const sent = page.waitForRequest((r) => r.url() === s.api + '/api/me/permissions' && r.method() === 'GET')
  await page.reload()
  return (await sent).headers().authorization
}

// row adds a dish behind the page's back, with the token of the administrator.
let admin
async function row(page, fields) {
  admin ??= await token(page)
  const res = await fetch(s.api + '/api/items', { method: 'POST', headers: { ...json, Authorization: admin }, body: JSON.stringify({ price: 4.5, ...fields }) })
  assert.equal(res.status, 201)
  return res.json()
}

// menuAdmin gives somebody the role, as the guide does it by the Management API.
async function menuAdmin(authorization) {
  const ask = async (path, body, bearer) => {
    const res = await fetch(s.url + path, { method: 'POST', headers: { ...json, ...(bearer && { Authorization: `Bearer ${bearer}` }) }, body: JSON.stringify(body) })
    assert.ok(res.ok, `${path}: ${res.status}`)
    return res.status === 204 ? undefined : res.json()
  }
  const { sub } = JSON.parse(Buffer.from(authorization.split('.')[1], 'base64url'))
  const { access_token } = await ask('/oauth/token', { grant_type: 'client_credentials', client_id: s.manager, client_secret: s.secret, audience: s.issuer + 'api/v2/' })
  await ask(`/api/v2/users/${encodeURIComponent(sub)}/roles`, { roles: [s.role] }, access_token)
}

scene('anybody reads the menu; who signs up is known, and may not write it', async (page) => {
  await page.goto(s.at)
  await seen(page, 'Nothing is on the menu yet.')
  assert.equal(await offered(page, 'Add a dish'), null)
  const who = await signIn(page, undefined, 'Sign up')
  await seen(page, `You are signed in as ${who.email}.`)
  assert.equal(await offered(page, 'Add a dish'), null)
  assert.equal(await offered(page, 'Sign in'), null)
  await press(page, who.email, 'link')
  await heading(page, who.email)
  await seen(page, 'Your roles: customer.')

  const mine = await token(page)
  const refused = await fetch(s.api + '/api/items', { method: 'POST', headers: { ...json, Authorization: mine }, body: '{"name":"Soup","price":4.5}' })
  assert.equal(refused.status, 403, 'the service itself says no')
  await menuAdmin(mine)
  await page.reload()
  await seen(page, 'read, add, edit, delete')
  await press(page, 'Menu', 'link')
  await until('the button', () => offered(page, 'Add a dish'))
  assert.deepEqual([...page.origins].sort(), [s.at, s.api, s.url].sort())
})

scene('a dish is added, edited and deleted, and what is wrong stands at its field', async (page) => {
  await enter(page)
  await press(page, 'Add a dish')
  await heading(page, 'Add a dish')
  await press(page, 'Save')
  await seen(page, 'Enter a name.')
  await fill(page, 'Name', 'Quince tart'.repeat(10))
  await fill(page, 'Price', 'a lot')
  await press(page, 'Save')
  await seen(page, 'Enter a price, such as 4.50.')
  await fill(page, 'Price', '4.555')
  await fill(page, 'Address of a picture (optional)', 'javascript:alert(1)')
  await press(page, 'Save')
  const problems = () => page.$$eval('[aria-invalid=true]', (list) => list.map((e) => [e.name, document.getElementById(e.getAttribute('aria-describedby')).textContent]))
  await until('what the service says', async () => (await problems()).length === 3)
  assert.deepEqual((await problems()).map(([name, text]) => [name, text !== '']), [['name', true], ['price', true], ['image', true]])
  assert.equal(await page.evaluate(() => document.activeElement.name), 'name')
  await fill(page, 'Name', 'Quince tart')
  await fill(page, 'Price', '6.50')
  await fill(page, 'Address of a picture (optional)', '')
  await press(page, 'Save')
  await seen(page, 'Quince tart is on the menu.')
  await until('the heading to have the focus', () => page.evaluate(() => document.activeElement.textContent === 'Menu'))
  await press(page, 'Edit Quince tart')
  await fill(page, 'Name', 'Quince cake')
  await press(page, 'Save')
  await seen(page, 'Quince cake is saved.')
  await press(page, 'Delete Quince cake')
  await heading(page, 'Delete Quince cake?')
  await press(page, 'Cancel')
  await press(page, 'Delete Quince cake')
  await press(page, 'Delete')
  await seen(page, 'Quince cake is off the menu.')
  assert.equal((await (await fetch(s.api + '/api/items?name=Quince+cake')).json()).total, 0)
}, { expected: /status of 400/ })

scene('whoever has the page lie about what they may do is refused in place', async (page) => {
  await page.setRequestInterception(true)
  page.on('request', (r) => {
    if (r.url() !== s.api + '/api/me/permissions' || r.method() !== 'GET') return void r.continue()
    const headers = { 'Access-Control-Allow-Origin': s.at, 'Content-Type': 'application/json' }
    void r.respond({ status: 200, headers, body: '{"roles":[],"permissions":[],"entities":{"items":{"create":"all"}}}' })
  })
  await enter(page, s.ben)
  await press(page, 'Add a dish')
  await fill(page, 'Name', 'Ben’s own')
  await fill(page, 'Price', '1')
  await press(page, 'Save')
  await until('the refusal', () => page.$('dialog [role=alert]:not([hidden])'))
  assert.equal(await page.$eval('dialog input', (e) => e.value), 'Ben’s own')
  assert.equal((await (await fetch(s.api + '/api/items?name=Ben’s+own')).json()).total, 0)
}, { expected: /status of 403/ })

scene('a log-in that is over in the middle of a form loses nothing', async (page) => {
  await enter(page)
  await press(page, 'Add a dish')
  await fill(page, 'Name', 'Long thought over')
  await fill(page, 'Price', '9')
  let over = true
  await page.setRequestInterception(true)
  page.on('request', (r) => {
    if (!over || r.url() !== s.api + '/api/items' || r.method() !== 'POST') return void r.continue()
    const headers = { 'Access-Control-Allow-Origin': s.at, 'Content-Type': 'application/json' }
    void r.respond({ status: 401, headers, body: '{"name":"NotAuthenticated","message":"Log in first","code":401,"className":"not-authenticated"}' })
  })
  await press(page, 'Save')
  await seen(page, 'You are not signed in any more.')
  over = false
  const opened = new Promise((resolve) => page.once('popup', resolve))
  await press(page, 'Sign in again')
  const win = await opened
  await until('the window to close', () => win.isClosed()) // the session at the provider goes on
  assert.equal(await page.$eval('#item-name', (e) => e.value), 'Long thought over')
  await until('the note to be gone', () => page.$eval('dialog [role=alert]', (e) => e.hidden))
  await press(page, 'Save')
  await seen(page, 'Long thought over is on the menu.')
}, { expected: /status of 401/ })

scene('what is written is text', async (page) => {
  await enter(page)
  const probe = '<img src=x onerror="document.title=\'owned\'">{{7*7}}'
  await row(page, { name: probe, description: `${probe}\n<script>document.title='owned'</script>`, image: 'https://pictures.invalid/a.png' })
  await page.reload()
  await seen(page, probe)
  assert.equal(await page.title(), 'Restaurant')
  await press(page, `Edit ${probe}`)
  await heading(page, `Edit ${probe}`)
  assert.equal(await page.$eval('#item-name', (e) => e.value), probe)
  await press(page, 'Cancel')
  assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }).includes('eyJ')), false, 'no token is stored')
  await press(page, `Delete ${probe}`)
  await press(page, 'Delete')
  await seen(page, `${probe} is off the menu.`)
}, { expected: /net::ERR_.*pictures\.invalid/ })

scene('signing out ends the session, here and in the other window', async (page, context) => {
  await enter(page)
  const other = watched(await context.newPage())
  await other.goto(s.at)
  await until('the button', () => offered(other, 'Sign out'))
  await page.bringToFront()
  await press(page, 'Sign out')
  await at(page, s.at + '/')
  await seen(page, 'You are signed out.')
  await until('the button', () => offered(page, 'Sign in'))
  await seen(other, 'You were signed out in another window.')
  assert.equal(await other.evaluate(() => document.body.innerText.includes('Add a dish')), false)
  const opened = new Promise((resolve) => page.once('popup', resolve))
  await press(page, 'Sign in')
  await heading(await opened, 'Log in')
  assert.deepEqual(other.complaints, [])
})

scene('the keyboard is enough', async (page) => {
  await enter(page)
  const { name } = await row(page, { name: `Leek ${Date.now()}` })
  await page.reload()
  await until('the row', () => offered(page, `Edit ${name}`))
  const tab = async (name) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab')
      if (await page.evaluate((n) => document.activeElement.textContent === n && document.activeElement.matches(':focus-visible'), name)) return
    }
    assert.fail(`the keyboard does not get to ${name}`)
  }
  await tab('Skip to the menu')
  await page.keyboard.press('Enter')
  await tab(`Edit ${name}`)
  await page.keyboard.press('Enter')
  await heading(page, `Edit ${name}`)
  await page.keyboard.press('Escape')
  await until('the dialog to be gone', async () => !(await page.$('dialog')))
  await tab(`Delete ${name}`)
  await page.keyboard.press('Enter')
  await tab('Delete')
  await page.keyboard.press('Enter')
  await seen(page, `${name} is off the menu.`)
})

// Each once by itself, and for pictures all of them.
const looks = [[390, 'dark'], [1280, 'light'], ...(s.shots ? [[390, 'light'], [1280, 'dark']] : [])]
for (const [width, scheme] of looks) {
  scene(`axe finds nothing serious, and nothing is too wide: ${width} pixels, ${scheme}`, async (page) => {
    await page.setViewport({ width, height: width < 600 ? 844 : 800 })
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }])
    const found = []
    const look = async (name) => {
      if (s.shots) {
        await mkdir(s.shots, { recursive: true })
        await page.screenshot({ path: `${s.shots}/web-${name}-${width}-${scheme}.png` })
      }
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }))
      const serious = violations.filter((v) => ['serious', 'critical'].includes(v.impact))
      found.push(...serious.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + n.html.slice(0, 160)).join('; ')}`))
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (wide > 0) found.push(`${name}: ${wide} pixels too wide`)
    }
    await page.goto(s.at)
    await until('the page', () => offered(page, 'Sign in'))
    await look('visitor')
    await enter(page)
    await row(page, { name: `Fennel soup, ${width} ${scheme}`, description: 'With orange and a lot of dill. Warm or cold.' })
    await page.reload()
    await seen(page, 'Fennel soup')
    await look('menu')
    await press(page, 'Add a dish')
    await press(page, 'Save')
    await seen(page, 'Enter a name')
    await look('form')
    await press(page, 'Cancel')
    await press(page, `Delete Fennel soup, ${width} ${scheme}`)
    await heading(page, `Delete Fennel soup, ${width} ${scheme}?`)
    await look('delete')
    await press(page, 'Cancel')
    await press(page, s.ada.email, 'link')
    await heading(page, s.ada.email)
    await look('you')
    assert.deepEqual(found, [])
  })
}
