// The applications of the guide to Auth0, in its own words, against a service.
import assert from 'node:assert/strict'
import { at, heading, login, press, s, scene, text, until, watched } from './lib/browser.mjs'

// logouts notes the requests for the hosted log-out.
function logouts(page) {
  const list = []
  page.on('request', (r) => { if (new URL(r.url()).pathname === '/v2/logout') list.push(r.url()) })
  return list
}

const said = (page, what) => until(what, () => page.evaluate((w) => document.body.innerText.includes(w), what).catch(() => false))
const session = async (page) => (await page.cookies(s.url)).some((c) => /session/.test(c.name))
const total = async () => (await (await fetch(`${s.api}/api/items?$limit=0`)).json()).total

// type overwrites a field of react-admin key by key, as fill does not.
async function type(page, label, value, role = 'textbox') {
  await page.locator(`aria/${label}[role="${role}"]`).click({ count: 3 })
  await page.keyboard.type(value)
}
const number = (page, label, value) => type(page, label, value, 'spinbutton')

// add fills in the form of a new dish.
async function add(page, name, price) {
  await press(page, 'Create', 'link')
  await type(page, 'Name', name)
  await number(page, 'Price', price)
  await press(page, 'Save')
}

// enter goes to a page of the admin as a visitor, and logs in.
async function enter(page, who, path = '/items') {
  await page.goto(s.at.admin + path)
  await press(page, 'Log in')
  await login(page, who)
  await at(page, s.at.admin + path)
}

scene('main.js: a log-in by pop-up, and a new row', async (page) => {
  await page.goto(s.at.spa)
  const opened = new Promise((resolve) => page.once('popup', resolve))
  await press(page, 'Log in')
  const win = watched(await opened)
  await login(win, s.ada)
  await until('the window to close', () => win.isClosed())
  const before = await total()
  await press(page, 'Add a soup')
  await until('the soup', async () => await total() === before + 1)
})

scene('app.jsx: a log-in by redirect, a new row, a log-out', async (page) => {
  await page.goto(s.at.react)
  await press(page, 'Log in')
  await login(page, s.ada)
  await said(page, s.ada.email)
  await press(page, 'Add a soup')
  await said(page, 'Soup is on the menu')
  await press(page, 'Log out')
  await at(page, s.at.react + '/login')
  assert.equal(await session(page), false)
})

scene('react-admin: a visitor sees one button, comes in by it, and where they wanted to be', async (page) => {
  const list = logouts(page)
  await page.goto(s.at.admin + '/items/create')
  await heading(page, 'WAB Admin')
  if (s.shots) await page.screenshot({ path: `${s.shots}/admin-login.png` })
  await press(page, 'Log in')
  await login(page, s.ada)
  await at(page, s.at.admin + '/items/create')
  await page.locator('aria/Name[role="textbox"]').wait()
  assert.deepEqual(list, [])
})

scene('react-admin: a row is made, changed and deleted, and what the service refuses stands at its field', async (page) => {
  await enter(page, s.ada)
  await press(page, 'Create', 'link')
  await number(page, 'Price', '4.5')
  await press(page, 'Save')
  await said(page, 'is required')
  await type(page, 'Name', 'Fig tart')
  await press(page, 'Save')
  await said(page, 'Element created')
  await until('the page to edit it', () => /[-0-9a-f]{36}$/.test(page.url()))
  const there = new URL(page.url()).pathname
  const [mine, theirs] = [page, watched(await page.browserContext().newPage())]
  await theirs.goto(s.at.admin + there)
  await until('the form', () => theirs.evaluate(() => document.querySelector('input[name=name]')?.value === 'Fig tart'))
  await theirs.bringToFront()
  await number(theirs, 'Price', '5')
  await press(theirs, 'Save')
  await said(theirs, 'Element updated')
  await mine.bringToFront()
  await type(mine, 'Name', 'Quince tart')
  await press(mine, 'Save')
  await said(mine, 'changed')
  await mine.reload()
  await until('what the other one wrote', () => mine.evaluate(() => document.querySelector('input[name=price]')?.value === '5'))
  await type(mine, 'Name', 'Quince tart')
  await press(mine, 'Save')
  await at(mine, s.at.admin + '/items')
  await said(mine, 'Quince tart')
  await mine.goto(s.at.admin + there)
  await press(mine, 'Delete')
  await mine.locator('.ra-confirm').click()
  await said(mine, 'Element deleted')
  assert.equal((await fetch(s.api + '/api' + there)).status, 404)
}, { expected: /status of 4(00|12)|aria-hidden/ })

scene('react-admin: a list is sorted, filtered and paged by the service', async (page) => {
  await enter(page, s.ada)
  const pages = []
  page.on('request', (r) => { if (r.url().startsWith(s.api)) pages.push(decodeURIComponent(r.url())) })
  await page.goto(s.at.admin + `/items?sort=price&order=DESC&page=1&perPage=10&filter=${encodeURIComponent('{"q":"soup","price":{"$gte":4}}')}`)
  await said(page, 'Soup')
  await until('the page', () => pages.includes(s.api + '/api/items?price[$gte]=4&$search=soup&$sort[price]=-1&$limit=10&$skip=0'))
})

scene('the data provider: many rows', async (page) => {
  await enter(page, s.ada)
  const token = await page.evaluate(() => Object.values(localStorage).map((v) => v.startsWith('{') && JSON.parse(v).body?.access_token).find(Boolean))
  await page.goto(s.at.data)
  const got = await page.evaluate(async (token) => {
    window.token = token
    const made = []
    for (let i = 0; i < 101; i++) made.push((await window.data.create('items', { data: { name: `Row ${i}`, price: i } })).data)
    const list = await window.data.getList('items', {
      pagination: { page: 1, perPage: 1000 }, sort: { field: 'price', order: 'ASC' }, filter: { name: { $startsWith: 'Row' } },
    })
    const many = await window.data.getMany('items', { ids: [made[3].id, made[5].id] })
    const by = await window.data.getManyReference('items', {
      target: 'price', id: 7, pagination: { page: 1, perPage: 10 }, sort: { field: 'id', order: 'ASC' }, filter: { name: 'Row 7' },
    })
    const ids = made.slice(1).map((row) => row.id)
    const updated = await window.data.updateMany('items', { ids, data: { price: 2 } })
    const deleted = await window.data.deleteMany('items', { ids })
    const row = await window.data.update('items', { id: made[0].id, data: { ...made[0], name: 'Row' }, previousData: made[0] })
    const conflict = await window.data.delete('items', { id: made[0].id, previousData: made[0] }).catch((err) => err.status)
    const gone = await window.data.delete('items', { id: made[0].id, previousData: row.data })
    return {
      rows: [list.total, list.data.length, list.data[100].name], many: many.data.map((r) => r.name).sort(), by: by.data.map((r) => r.name),
      updated: updated.data.length, deleted: deleted.data.sort().join() === ids.sort().join(), name: row.data.name, conflict, gone: gone.data.name,
    }
  }, token)
  assert.deepEqual(got, {
    rows: [101, 101, 'Row 100'], many: ['Row 3', 'Row 5'], by: ['Row 7'], updated: 100, deleted: true, name: 'Row', conflict: 412, gone: 'Row',
  })
}, { expected: /status of 412/ })

scene('react-admin: what somebody may not do is said, and they stay', async (page) => {
  const list = logouts(page)
  await enter(page, s.ben)
  await add(page, 'Figs', '7.5')
  await said(page, 'This needs the permission create:items')
  await press(page, 'Items', 'menuitem')
  await press(page, 'Profile')
  await said(page, s.ben.email)
  assert.deepEqual(list, [])
  assert.equal(await session(page), true)
}, { expected: /status of 403/ })

scene('react-admin: when the log-in is over there is the log-in page, and then where one was', async (page) => {
  const list = logouts(page)
  await enter(page, s.ada)
  await page.goto(s.at.admin + '/items/create')
  await type(page, 'Name', 'Figs')
  const refresh = await page.evaluate(() => { // an access token that is over, too
    for (const [key, value] of Object.entries(localStorage)) {
      const entry = key.startsWith('@@auth0spajs@@') && JSON.parse(value)
      if (!entry?.body?.refresh_token) continue
      localStorage.setItem(key, JSON.stringify({ ...entry, expiresAt: 1 }))
      return entry.body.refresh_token
    }
  })
  const res = await fetch(s.url + '/oauth/revoke', { method: 'POST', body: new URLSearchParams({ client_id: s.client, token: refresh }) })
  assert.equal(res.status, 200)
  await number(page, 'Price', '7')
  await press(page, 'Save')
  await at(page, s.at.admin + '/login')
  await heading(page, 'WAB Admin')
  assert.equal(list.length, 1)
  await page.setRequestInterception(true) // the admin has time for what it does while the browser leaves
  page.on('request', (r) => setTimeout(() => r.continue(), new URL(r.url()).pathname === '/authorize' ? 1000 : 0))
  await press(page, 'Log in')
  await login(page, s.ada)
  await at(page, s.at.admin + '/items/create')
  await page.locator('aria/Name[role="textbox"]').wait()
  assert.equal(list.length, 1)
}, { expected: /status of 40[03]/ })

scene('react-admin: a log-out ends both sessions', async (page) => {
  const list = logouts(page)
  await enter(page, s.ada)
  await press(page, 'Profile')
  await press(page, 'Logout', 'menuitem')
  await at(page, s.at.admin + '/login')
  await heading(page, 'WAB Admin')
  assert.equal(list.length, 1)
  assert.equal(await session(page), false)
})

// Nobody comes in this way, and nothing goes round: the guide says what is missing.
scene('react-admin: without BrowserRouter there is the log-in page, and no loop', async (page) => {
  const list = logouts(page)
  await page.goto(s.at.hash)
  await heading(page, 'WAB Admin')
  await press(page, 'Log in')
  await login(page, s.ada)
  await at(page, s.at.hash + '/auth-callback')
  await heading(page, 'WAB Admin')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  assert.deepEqual(list, [])
  assert.equal(await page.evaluate(() => document.body.innerText.includes('Unauthorized')), false, 'a visitor made no mistake')
})
