// What people do with accounts in the application of the plugin admin.
import assert from 'node:assert/strict'
import { press, s, scene, stranger, until } from './lib/browser.mjs'
import { api, base, enter, gone, inspect, seen, there, tokenOf, write } from './lib/adminapp.mjs'

const probe = `<img src=x onerror="document.title='owned'"> {{7*7}}`
// MUI hides what is below a question a moment before the focus leaves it.
const refused = /status of 4\d\d|Blocked aria-hidden/

// somebody is a new account.
async function somebody(...roles) {
  const who = stranger()
  const res = await fetch(s.url + '/api/users', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(who) })
  who.id = (await res.json()).id
  if (roles.length > 0) await api('PATCH', `/api/users/${who.id}`, { roles })
  return who
}
// answer presses a button of the question that is open, whose icon is part of its name.
async function answer(page, name) {
  await page.locator(`[role="dialog"] button::-p-text(${name})`).click()
  await until('the question to be gone', async () => (await page.$('[role="dialog"]')) === null)
}
const credentials = ({ email, password }) => ({ email, password })

scene('a password is changed, and what is wrong with it is said', async (page) => {
  const who = await somebody()
  const elsewhere = await tokenOf(credentials(who))
  await enter(page, who)
  await press(page, who.email)
  await press(page, 'Your account', 'menuitem')
  await until('the page', () => page.url() === base + '/account')
  await page.locator('#currentPassword').fill('not this one at all')
  await page.locator('#newPassword').fill('Quiet-Ferry-Lantern-31')
  await press(page, 'Change password')
  await seen(page, 'The current password is not right')
  await page.locator('#currentPassword').fill(who.password)
  await page.locator('#newPassword').fill('short')
  await press(page, 'Change password')
  await seen(page, 'must have at least 15 characters')
  assert.equal(await page.$eval('#newPassword', (e) => e.getAttribute('aria-invalid')), 'true')
  await page.locator('#newPassword').fill('Quiet-Ferry-Lantern-31')
  await press(page, 'Change password')
  await seen(page, 'The password is changed.')
  assert.equal((await fetch(s.url + '/api/me', { headers: { Authorization: `Bearer ${elsewhere}` } })).status, 401)
  await tokenOf({ email: who.email, password: 'Quiet-Ferry-Lantern-31' })
  assert.deepEqual([...page.origins], [s.url])
}, { expected: refused })

scene('a device that is logged in is seen, and logged out', async (page) => {
  const who = await somebody()
  const tokens = [await tokenOf(credentials(who), probe), await tokenOf(credentials(who), 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')]
  const alive = () => Promise.all(tokens.map(async (t) => (await fetch(s.url + '/api/me', { headers: { Authorization: `Bearer ${t}` } })).status))
  await enter(page, who, '/account')
  await seen(page, 'this device')
  await seen(page, probe)
  await press(page, 'Log out: Firefox, Linux')
  await gone(page, 'Firefox, Linux')
  assert.deepEqual(await alive(), [200, 401])
  await press(page, 'Log out all other devices')
  await seen(page, 'Only this device is logged in.')
  assert.deepEqual(await alive(), [401, 401])
  assert.notEqual(await page.title(), 'owned')
})

scene('a key is made within what one may do, shown once, replaced and revoked', async (page) => {
  const who = await somebody('boss')
  await enter(page, who, '/account')
  await seen(page, 'No keys yet.')
  await press(page, 'Make a key')
  await write(page, 'Name', probe)
  await press(page, 'Make a key')
  await seen(page, 'must be 1 to 50')
  assert.equal(await there(page, 'delete:notes', 'checkbox'), null, 'nothing is offered that one may not do')
  await page.locator('aria/list:users[role="checkbox"]').click()
  await press(page, 'Make a key')
  await seen(page, 'It is shown this once')
  const key = await page.$eval('#newKey', (e) => e.value)
  assert.equal((await fetch(s.url + '/api/users', { headers: { 'X-API-Key': key } })).status, 200)
  await press(page, 'I have kept it')
  await gone(page, 'It is shown this once')
  assert.equal(await page.evaluate((k) => document.documentElement.innerHTML.includes(k), key), false)
  await seen(page, probe)
  await press(page, `Replace: ${probe}`)
  await seen(page, 'The old one works for another day.')
  await answer(page, 'Replace')
  await seen(page, 'It is shown this once')
  const next = await page.$eval('#newKey', (e) => e.value)
  assert.notEqual(next, key)
  await press(page, 'I have kept it')
  for (const left of [1, 0]) {
    await press(page, `Revoke: ${probe}`)
    await answer(page, 'Revoke')
    await until('the key to be gone', async () => (await page.$$(`aria/Revoke: ${probe}[role="button"]`)).length === left)
  }
  for (const k of [key, next]) assert.equal((await fetch(s.url + '/api/users', { headers: { 'X-API-Key': k } })).status, 401)
  assert.notEqual(await page.title(), 'owned')
}, { expected: refused })

scene('who looks after accounts sees the devices and keys of somebody, and ends them', async (page) => {
  const who = await somebody()
  const token = await tokenOf(credentials(who), probe)
  const { key } = await api('POST', '/api/account/api-keys', { name: probe, scopes: ['owner'] }, token)
  await enter(page, s.ada, `/users/${who.id}/show`)
  await seen(page, probe)
  await press(page, `Log out: ${probe}`)
  await seen(page, 'No device is logged in.')
  assert.equal((await fetch(s.url + '/api/me', { headers: { Authorization: `Bearer ${token}` } })).status, 401)
  assert.equal(await there(page, 'Make a key', 'button'), null, 'nobody makes keys for others')
  await press(page, `Revoke: ${probe}`)
  await answer(page, 'Revoke')
  await seen(page, 'No keys.')
  assert.equal((await fetch(s.url + '/api/me', { headers: { 'X-API-Key': key } })).status, 401)
  assert.notEqual(await page.title(), 'owned')
}, { expected: refused })

scene('what happened is told to who may read it', async (page) => {
  const who = await somebody()
  const token = await tokenOf(credentials(who), probe)
  await api('DELETE', '/api/account/sessions', undefined, token)
  await enter(page, s.ada, '/')
  await seen(page, 'Recent activity')
  await page.locator('::-p-text(All activity)').click()
  await seen(page, 'Other devices logged out')
  await write(page, 'Account (its id)', who.id)
  await write(page, 'Action', 'login')
  await gone(page, 'Other devices logged out')
  await seen(page, `Log-in: ${who.email}`)
  await seen(page, probe)
  assert.notEqual(await page.title(), 'owned')
  assert.deepEqual([...page.origins], [s.url])
})

scene('who may not look after accounts is offered nothing of it', async (page) => {
  const who = await somebody()
  await enter(page, who, '/')
  await seen(page, 'Notes')
  assert.equal(await page.evaluate(() => document.body.innerText.includes('Recent activity')), false)
  await press(page, who.email)
  await seen(page, 'Your account')
  assert.equal(await there(page, 'Activity', 'menuitem'), null)
  await page.keyboard.press('Escape')
  await enter(page, who, '/account/activity')
  await seen(page, 'This needs a right that you do not have')
  await enter(page, who, `/users/${who.id}/show`)
  await seen(page, who.email)
  assert.equal(await page.evaluate(() => document.body.innerText.includes('Devices')), false)
}, { expected: refused })

scene('who forgot the password asks for a letter, and learns of nobody', async (page) => {
  const says = []
  for (const email of [s.ada.email, 'nobody@bureau.example']) {
    await page.goto(base + '/login')
    await press(page, 'Forgot your password?')
    await page.locator('#forgotten').fill(email)
    await press(page, 'Send a link')
    await seen(page, 'is on its way')
    says.push(await page.$eval('[role="dialog"]', (e) => e.innerText))
  }
  assert.equal(says[0], says[1])
}, { expected: refused })

const looks = [[390, 'dark'], [1280, 'light'], ...(s.shots ? [[390, 'light'], [1280, 'dark']] : [])]
for (const [width, scheme] of looks) {
  scene(`axe finds nothing serious, and nothing is too wide: ${width} pixels, ${scheme}`, async (page) => {
    const who = await somebody()
    await tokenOf(credentials(who))
    await enter(page)
    await inspect(page, width, scheme, [['account', '/account', 'API keys'], ['activity', '/account/activity', 'Log-in'], ['user', `/users/${who.id}/show`, 'Devices'], ['dashboard', '/', 'Recent activity']])
  })
}
