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

// confirm says yes to a question. In front of the word is a space without width.
const confirm = (page) => press(page, '\u200b Confirm')

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
async function missing(path) {
  const res = await fetch(s.url + path, { headers: { Authorization: `Bearer ${await token}` } })
  assert.equal(res.status, 404)
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
  await seen(page, 'This is not JSON: line 1, column ')
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

scene('who was overtaken chooses, and loses nothing', async (page) => {
  const { id } = await dish({ name: 'Nettles', story: 'Old.' })
  await enter(page, s.ada, `/dishes/${id}`)
  await type(page, 'Name', 'Nettle soup')
  await api('PATCH', `/api/dishes/${id}`, { name: 'Somebody else', price: 9.25, state: 'on-menu' })
  await press(page, 'Save')
  await seen(page, 'Somebody else has changed this meanwhile')
  const told = await page.$$eval('[role="alert"] tbody tr', (rows) => rows.map((row) => row.innerText.split('\t').map((cell) => cell.trim())))
  assert.deepEqual(told, [['Name', 'Somebody else', 'Nettle soup'], ['Price', '9.25', 'not changed'], ['State', 'on-menu', 'not changed']])
  await press(page, 'Save') // again, and nobody has chosen
  await until('the second refusal', () => page.complaints.filter((text) => text.includes('412')).length === 2)
  assert.equal((await api('GET', `/api/dishes/${id}`)).name, 'Somebody else')
  await press(page, 'Save mine')
  await until('the list', () => page.url().startsWith(base + '/dishes') && !page.url().includes(id))
  const saved = await api('GET', `/api/dishes/${id}`)
  assert.deepEqual([saved.name, saved.price, saved.state, saved.story], ['Nettle soup', 9.25, 'on-menu', 'Old.'])
}, { expected: refused })

scene('who was overtaken takes what others made of it, and keeps what only they typed', async (page) => {
  const { id } = await dish({ name: 'Sorrel' })
  await enter(page, s.ada, `/dishes/${id}`)
  await type(page, 'Name', 'Sorrel soup')
  await type(page, 'Story', 'Mine alone.')
  await api('PATCH', `/api/dishes/${id}`, { name: 'Somebody else' })
  await press(page, 'Save')
  await press(page, 'Take theirs')
  await gone(page, 'Somebody else has changed this meanwhile')
  assert.equal(await page.$eval('input[name="name"]', (e) => e.value), 'Somebody else')
  assert.equal(await page.$eval('textarea[name="story"]', (e) => e.value), 'Mine alone.')
  await press(page, 'Save')
  await until('the list', () => page.url().startsWith(base + '/dishes') && !page.url().includes(id))
  const saved = await api('GET', `/api/dishes/${id}`)
  assert.deepEqual([saved.name, saved.story], ['Somebody else', 'Mine alone.'])
}, { expected: refused })

scene('what was deleted is brought back', async (page) => {
  const { id } = await dish({ name: 'Quinces' })
  await enter(page, s.ada, `/dishes/${id}`)
  await press(page, 'Delete')
  await confirm(page)
  await until('the list', () => page.url().startsWith(base + '/dishes') && !page.url().includes(id))
  await missing(`/api/dishes/${id}`)
  await press(page, 'Restore')
  await seen(page, 'Restored')
  assert.equal((await api('GET', `/api/dishes/${id}`)).name, 'Quinces')
  await seen(page, 'Quinces') // in the list, too

  await api('DELETE', `/api/dishes/${id}`)
  await go(page, `/dishes/${id}/show`)
  await seen(page, 'If it was deleted, it can be brought back')
  await press(page, 'Restore')
  await seen(page, 'Quinces')
  await go(page, '/dishes/01941f29-7c00-7a3e-8b1d-00000000000a/show')
  await press(page, 'Restore')
  await seen(page, 'There is none to bring back')
}, { expected: refused })

scene('chosen rows are deleted at once, and brought back', async (page) => {
  const { id } = await api('POST', '/api/courses', { name: `Bulk ${Date.now()}` })
  const names = ['Pear', 'Plum'].map((name) => `${name} ${id.slice(-6)}`)
  const rows = await Promise.all(names.map((name) => dish({ name, courseId: id })))
  await enter(page, s.ada, `/dishes?filter=${encodeURIComponent(JSON.stringify({ courseId: id }))}`)
  await until('two rows', () => page.$$eval('tbody tr', (list) => list.length === 2))
  await press(page, 'Select all', 'checkbox')
  await press(page, 'Delete')
  await confirm(page)
  await seen(page, '2 deleted')
  await Promise.all(rows.map((row) => missing(`/api/dishes/${row.id}`)))
  await press(page, 'Restore')
  await seen(page, '2 restored')
  await seen(page, names[0])
}, { expected: refused })

scene('what belongs to a row is a tab of its page', async (page) => {
  const { id } = await api('POST', '/api/courses', { name: `Tabs ${Date.now()}` })
  for (let i = 0; i < 27; i++) await dish({ name: `Roll ${i}`, courseId: id })
  const other = await dish({ name: 'Of no course' })
  await enter(page, s.ada, `/courses/${id}/show`)
  await press(page, 'Dishes', 'tab')
  await until('the tab', () => page.url() === `${base}/courses/${id}/show/dishes`)
  await seen(page, '1-25 of 27')
  await page.goto(`${base}/courses/${id}/show/dishes`) // as from a bookmark
  await logIn(page, s.ada)
  await seen(page, '1-25 of 27')
  assert.equal(await page.evaluate(() => document.body.innerText.includes('Of no course')), false)
  await press(page, 'Create', 'link')
  await type(page, 'Name', 'The last roll')
  await type(page, 'Price', '1', 'spinbutton')
  await press(page, 'Save')
  await until('the tab again', () => page.url() === `${base}/courses/${id}/show/dishes`)
  await until('the row', async () => (await api('GET', `/api/dishes?courseId=${id}&$limit=0`)).total === 28)

  const [first] = (await api('GET', `/api/dishes?courseId=${id}`)).data
  await api('PATCH', `/api/dishes/${first.id}`, { goesWith: { connect: [{ id: other.id }] } })
  await go(page, `/dishes/${other.id}/show`)
  await press(page, 'Gone with', 'tab')
  await seen(page, first.name)
})

scene('a file is chosen, kept at once, and fetched', async (page) => {
  const { id } = await dish({ name: 'Filed' })
  await enter(page, s.ada, `/dishes/${id}`)
  await type(page, 'Name', 'Filed away')
  const choose = async (name, text) => {
    await page.evaluate((n, t) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([t], n, { type: n.endsWith('.html') ? 'text/html' : 'text/plain' }))
      const input = document.querySelector('input[type="file"]')
      input.files = transfer.files
      input.dispatchEvent(new Event('change', { bubbles: true }))
    }, name, text)
  }
  await choose('page.html', '<script>document.title = "owned"</script>')
  await until('the refusal at the field', () => page.evaluate(() => document.querySelector('fieldset.Mui-error, fieldset .Mui-error')?.innerText ?? ''))
  assert.equal((await api('GET', `/api/dishes/${id}`)).recipe, null)
  await choose('big.txt', 'x'.repeat(1_100_000))
  await seen(page, 'This file is too large')
  await choose(`${probe.slice(0, 14)}.txt`, 'Salt.')
  await seen(page, '(5 byte')
  await press(page, 'Save') // which has the version that the file made
  await until('the list', () => page.url().startsWith(base + '/dishes') && !page.url().includes(id))
  const saved = await api('GET', `/api/dishes/${id}`)
  assert.deepEqual([saved.name, saved.recipe.size], ['Filed away', 5])
  await go(page, `/dishes/${id}/show`)
  await press(page, `${saved.recipe.name} (5 byte)`)
  assert.notEqual(await page.title(), 'owned')
  await go(page, `/dishes/${id}`)
  await press(page, 'Remove')
  await seen(page, 'No file. Choose one')
  assert.equal((await api('GET', `/api/dishes/${id}`)).recipe, null)
}, { expected: refused })

scene('places, times and passwords have inputs of their own', async (page) => {
  await page.emulateTimezone('Europe/Berlin')
  const { id } = await dish({ name: 'Placed', servedAt: '2026-07-01T12:30:00Z' })
  await enter(page, s.ada, `/dishes/${id}`)
  await seen(page, 'Europe/Berlin (UTC+2)')
  assert.equal(await page.$eval('input[name="servedAt"]', (e) => e.value), '2026-07-01T14:30')
  await type(page, 'Latitude', '91', 'spinbutton')
  await press(page, 'Save')
  await seen(page, 'Both are needed: a latitude from -90 to 90')
  assert.equal(await page.evaluate(() => document.body.innerText.includes('@@')), false)
  await type(page, 'Latitude', '48.2082', 'spinbutton')
  await type(page, 'Longitude', '16.3738', 'spinbutton')
  await press(page, 'Save')
  await until('the list', () => page.url().startsWith(base + '/dishes') && !page.url().includes(id))
  const saved = await api('GET', `/api/dishes/${id}`)
  assert.deepEqual([saved.place, Date.parse(saved.servedAt)], [{ lat: 48.2082, lng: 16.3738 }, Date.parse('2026-07-01T12:30:00Z')])
  await go(page, `/dishes/${id}/show`)
  assert.equal(await page.$eval(`time[datetime="${saved.servedAt}"]`, (e) => e.title), 'Europe/Berlin (UTC+2)')
  await go(page, '/users/create')
  await type(page, 'Email', 'hannah.arendt@example.com')
  for (const [password, words] of [['short', 'Too short'], ['hannah-in-the-garden', 'Easy to guess'], ['aaaaaaaaaaaaaaaaaa', 'few different'], ['wet-larch-gravel-88', 'Good.']]) {
    await page.locator('input[name="password"]').fill(password)
    await seen(page, words)
  }
}, { expected: refused })

scene('markup in any field comes back as text', async (page) => {
  const course = await api('POST', '/api/courses', { name: `${probe} ${Date.now()}` })
  const { id } = await dish({ name: probe.slice(0, 60), story: probe, facts: { [probe]: probe }, courseId: course.id })
  await enter(page, s.ada, '/dishes')
  const plain = async (path, what = probe.slice(0, 60)) => {
    await go(page, path)
    await until(what, () => page.evaluate((w) => document.body.innerText.includes(w) || [...document.querySelectorAll('input, textarea')].some((e) => e.value.includes(w)), what))
    assert.equal(await page.evaluate(() => document.querySelectorAll('main img, [role="dialog"] img').length), 0, path)
    assert.notEqual(await page.title(), 'owned', path)
  }
  await plain('/dishes')
  await plain(`/dishes/${id}/show`, probe)
  await plain(`/dishes/${id}`, probe)
  await press(page, 'Delete')
  await seen(page, `Delete dish ${probe.slice(0, 60)}`)
  await page.keyboard.press('Escape')
  await plain(`/courses/${course.id}/show`, probe)
  await plain(`/courses/${course.id}/show/dishes`)
}, { expected: /Blocked aria-hidden/ }) // of the dialog, while it closes

scene('an export has the rows, and no formula', async (page) => {
  await api('POST', '/api/courses', { name: '=HYPERLINK("https://example.com")' + Date.now() })
  await api('POST', '/api/courses', { name: '@sum, "quoted"\nline ' + Date.now() })
  await enter(page, s.ada, '/courses')
  await page.evaluate(() => {
    const create = URL.createObjectURL.bind(URL)
    URL.createObjectURL = (blob) => {
      void blob.text().then((text) => { window.exported = text })
      return create(blob)
    }
  })
  await press(page, 'Export')
  const csv = await until('the file', () => page.evaluate(() => window.exported))
  const lines = csv.replace(/^\ufeff/, '').split('\r\n')
  assert.match(lines[0], /^id,name,/)
  assert.match(csv, /,"'=HYPERLINK\(""https/)
  assert.match(csv, /,"'@sum, ""quoted""\nline /)
})

scene('the keyboard alone is enough', async (page) => {
  const name = `Keys ${Date.now()}`
  const focused = () => page.evaluate(() => {
    const e = document.activeElement
    return e === document.body ? '' : `${e.getAttribute('aria-label') ?? ''} ${e.labels?.[0]?.innerText ?? ''} ${e.innerText ?? ''} ${e.placeholder ?? ''} ${e.name ?? ''}`
  })
  const to = async (what) => {
    for (let i = 0; i < 80; i++) {
      if ((await focused()).includes(what)) return
      await page.keyboard.press('Tab')
    }
    assert.fail(`Tab leads to no ${what}`)
  }
  await page.goto(base + '/courses')
  await page.locator('#identity').wait()
  await to('identity')
  await page.keyboard.type(s.ada.email)
  await to('password')
  await page.keyboard.type(s.ada.password)
  await page.keyboard.press('Enter')
  await until('the list', () => page.url().startsWith(base + '/courses'))
  await seen(page, 'Export')
  await to('Create')
  await page.keyboard.press('Enter')
  await until('the form', () => page.url().endsWith('/create'))
  await to('Name')
  await page.keyboard.type(name)
  await page.keyboard.press('Enter')
  await until('the list', () => page.url().endsWith('/courses'))
  await seen(page, name)
  await to('Search')
  await page.keyboard.type(name.slice(5))
  await until('one row', () => page.$$eval('tbody tr', (rows) => rows.length === 1))
  await to('Select this row')
  await page.keyboard.press('Space')
  await seen(page, '1 item selected')
  await page.keyboard.down('Shift')
  for (let i = 0; i < 80 && !/^\s*Delete/.test(await focused()); i++) await page.keyboard.press('Tab')
  await page.keyboard.up('Shift')
  await page.keyboard.press('Enter')
  await until('the question', () => page.$('[role="dialog"]'))
  await page.keyboard.press('Enter') // Confirm has the focus
  await seen(page, 'Deleted')
  assert.equal((await api('GET', `/api/courses?name=${encodeURIComponent(name)}`)).total, 0)
})

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

const looks = [[390, 'dark'], [1280, 'light'], [390, 'light'], [1280, 'dark']]
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
