// The pages of the plugin admin, used as a person does.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import axe from 'axe-core'
import { press, s, scene, stranger, until, watched } from './lib/browser.mjs'

const base = s.url + s.path
const seen = (page, what) => until(what, () => page.evaluate((w) => document.body.innerText.includes(w), what).catch(() => false))
const gone = (page, what) => until(`${what} to be gone`, () => page.evaluate((w) => !document.body.innerText.includes(w), what).catch(() => false))
const there = (page, name, role) => page.$(`aria/${name}[role="${role}"]`)

// type overwrites a field key by key.
async function type(page, label, value, role = 'textbox') {
  await page.locator(`aria/${label}[role="${role}"]`).click({ count: 3 })
  await page.keyboard.type(value)
}

// logIn fills in the log-in page, which is where the browser is.
async function logIn(page, who) {
  await type(page, 'E-mail address', who.email)
  await page.locator('#password').fill(who.password)
  await press(page, 'Log in')
}

// enter goes to a page as a visitor, and logs in.
async function enter(page, who = s.ada, path = '/dishes') {
  await page.goto(base + path)
  await logIn(page, who)
  await until(path, () => page.url().startsWith(base + path))
  await until('the page', () => page.evaluate(() => document.querySelector('main, #main-content')?.innerText.trim() !== ''))
}

// go leads to another page of the application, as a link does.
const go = (page, path) => page.evaluate((to) => {
  history.pushState({}, '', to)
  dispatchEvent(new PopStateEvent('popstate'))
}, base + path)

// api asks the service itself, for the administrator.
const json = { 'Content-Type': 'application/json' }
let token
async function api(method, path, body) {
  token ??= fetch(s.url + '/api/authentication', { method: 'POST', headers: json, body: JSON.stringify({ strategy: 'local', ...s.ada }) })
    .then((res) => res.json()).then((answer) => answer.accessToken)
  const res = await fetch(s.url + path, { method, headers: { ...json, Authorization: `Bearer ${await token}` }, body: body && JSON.stringify(body) })
  assert.ok(res.ok, `${method} ${path}: ${res.status}`)
  return res.json()
}
const dish = (fields) => api('POST', '/api/dishes', { name: 'Figs', price: 7.5, ...fields })

// somebody is a new account with a role.
async function somebody(...roles) {
  const who = stranger()
  const res = await fetch(s.url + '/api/users', { method: 'POST', headers: json, body: JSON.stringify(who) })
  const { id } = await res.json()
  await api('PATCH', `/api/users/${id}`, { roles })
  return who
}

const refused = /status of 4\d\d/
const probe = '<img src=x onerror="document.title=\'owned\'"> & {{7*7}} ${7*7}'

scene('a visitor logs in, and is where they wanted to be', async (page) => {
  await page.goto(base + '/courses')
  await until('the log-in page', () => page.url() === base + '/login')
  assert.ok(await page.evaluate(() => history.length) < 5, 'one way leads to the log-in page')
  await logIn(page, { ...s.ada, password: 'not this one' })
  await seen(page, 'Check both and try again')
  await page.locator('#password').fill(s.ada.password)
  await press(page, 'Log in')
  await until('the list', () => page.url().startsWith(base + '/courses'))
  await seen(page, 'No Courses yet.')
  assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }).includes('eyJ')), false, 'no token is stored')
  assert.deepEqual([...page.origins], [s.url])
}, { expected: refused })

scene('a row is made, and what is wrong stands at its field', async (page) => {
  await dish({ name: 'The first' })
  await enter(page)
  await press(page, 'Create', 'link')
  await type(page, 'Name', probe.slice(0, 60))
  await type(page, 'Price', '4.555', 'spinbutton')
  await type(page, 'Stars', '4', 'spinbutton')
  await type(page, 'Story', probe)
  await type(page, 'Facts', '{ "kcal": 120')
  await press(page, 'Save')
  await seen(page, 'This is not JSON.')
  await type(page, 'Facts', ' }')
  await page.locator('aria/Facts[role="textbox"]').fill('{ "kcal": 120 }')
  await press(page, 'Save')
  await seen(page, '2 of them after the point')
  assert.equal(await page.$eval('input[name="price"]', (e) => e.getAttribute('aria-invalid')), 'true')
  await type(page, 'Price', '4.55', 'spinbutton')
  await press(page, 'Save')
  await until('the list', () => page.url().startsWith(base + '/dishes') && !page.url().includes('create'))
  await seen(page, probe.slice(0, 60))
  assert.notEqual(await page.title(), 'owned')
  const { data } = await api('GET', '/api/dishes?$sort[createdAt]=-1&$limit=1')
  assert.deepEqual([data[0].name, data[0].price, data[0].stars, data[0].facts, data[0].state, data[0].vegan], [probe.slice(0, 60), 4.55, 4, { kcal: 120 }, 'draft', false])
  assert.deepEqual([...page.origins], [s.url])
}, { expected: refused })

scene('a row is found, shown and edited', async (page) => {
  const course = await api('POST', '/api/courses', { name: 'Starters ' + Date.now() })
  const { id } = await dish({ name: 'Artichokes', courseId: course.id })
  for (let i = 0; i < 30; i++) await dish({ name: `Bread ${i}` })
  await enter(page)
  await seen(page, '1-25 of')
  const asked = []
  page.on('request', (r) => { if (r.url().startsWith(s.url + '/api/dishes')) asked.push(decodeURIComponent(r.url())) })
  await press(page, 'Go to next page')
  await until('the second page', () => page.evaluate(() => document.querySelectorAll('tbody tr').length < 25))
  assert.ok(asked.length > 0 && asked.every((url) => url.includes('$total=false')), `rows are counted once: ${asked}`)
  await page.locator('aria/Search[role="textbox"]').fill('artich')
  await until('one row', () => page.$$eval('tbody tr', (rows) => rows.length === 1))
  await page.locator('tbody tr td:nth-child(2)').click()
  await until('the page of the row', () => page.url() === `${base}/dishes/${id}/show`)
  await seen(page, course.name)
  await seen(page, 'Cost')
  await press(page, 'Edit', 'link')
  await type(page, 'Name', 'Asparagus')
  await press(page, 'Save')
  await until('the list', () => page.url().startsWith(base + '/dishes') && !page.url().includes(id))
  assert.equal((await api('GET', `/api/dishes/${id}`)).name, 'Asparagus')
})

scene('who was overtaken is told, and loses nothing', async (page) => {
  const { id } = await dish({ name: 'Nettles' })
  await enter(page, s.ada, `/dishes/${id}`)
  await type(page, 'Name', 'Nettle soup')
  await api('PATCH', `/api/dishes/${id}`, { name: 'Somebody else' })
  await press(page, 'Save')
  await seen(page, 'Somebody else has changed this meanwhile')
  assert.equal(await page.$eval('input[name="name"]', (e) => e.value), 'Nettle soup')
  assert.equal((await api('GET', `/api/dishes/${id}`)).name, 'Somebody else')
}, { expected: refused })

scene('what somebody may not do is not there', async (page) => {
  const { id } = await dish({ name: 'Beets', cost: 1.25 })
  const waiter = await somebody('waiter')
  await enter(page, waiter)
  await seen(page, 'Beets')
  assert.equal(await there(page, 'Users', 'menuitem'), null)
  assert.equal(await there(page, 'Create', 'link'), null)
  assert.equal(await page.evaluate(() => /\bCost\b/.test(document.body.innerText)), false)
  await go(page, `/dishes/${id}/show`)
  await seen(page, 'Beets')
  assert.equal(await there(page, 'Edit', 'link'), null)
  assert.equal(await page.evaluate(() => /\bCost\b/.test(document.body.innerText)), false)
  await go(page, '/dishes/create')
  await gone(page, 'Save')
  assert.deepEqual([...page.origins], [s.url])
})

scene('logging out in one tab logs out the other', async (page, context) => {
  await enter(page)
  const other = watched(await context.newPage())
  await enter(other)
  await press(other, s.ada.email)
  await press(other, 'Log out', 'menuitem')
  await until('the log-in page', () => other.url().startsWith(base + '/login'))
  await until('the log-in page of the other tab', () => page.url().startsWith(base + '/login'))
  await page.bringToFront()
  await page.goto(base + '/dishes')
  await until('the log-in page', () => page.url().startsWith(base + '/login'))
})

// Each once by itself, and for pictures all of them.
const looks = [[390, 'dark'], [1280, 'light'], ...(s.shots ? [[390, 'light'], [1280, 'dark']] : [])]
for (const [width, scheme] of looks) {
  scene(`axe finds nothing serious, and nothing is too wide: ${width} pixels, ${scheme}`, async (page) => {
    await page.setViewport({ width, height: width < 600 ? 844 : 800 })
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }])
    const { id } = await dish({ name: `Fennel ${width} ${scheme}` })
    const found = []
    const look = async (name) => {
      await new Promise((resolve) => setTimeout(resolve, 500))
      if (s.shots) {
        await mkdir(s.shots, { recursive: true })
        await page.screenshot({ path: `${s.shots}/admin-${name}-${width}-${scheme}.png` })
      }
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }))
      const serious = violations.filter((v) => ['serious', 'critical'].includes(v.impact))
      found.push(...serious.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + n.html.slice(0, 160)).join('; ')}`))
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (wide > 0) found.push(`${name}: ${wide} pixels too wide`)
    }
    await page.goto(base)
    await until('the log-in page', () => page.url() === base + '/login')
    await page.locator('#identity').wait()
    await look('login')
    await enter(page, s.ada, '/dishes')
    for (const [name, path, text] of [['list', '/dishes', 'Fennel'], ['show', `/dishes/${id}/show`, 'Fennel'], ['edit', `/dishes/${id}`, 'Save'], ['create', '/dishes/create', 'Create Dish'], ['dashboard', '/', 'Kitchen']]) {
      await go(page, path)
      await seen(page, text)
      await look(name)
    }
    assert.deepEqual(found, [])
  })
}
