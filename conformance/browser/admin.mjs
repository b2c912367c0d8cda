// ra-auth-auth0, the authentication provider of react-admin.
import assert from 'node:assert/strict'
import { at, login, s, scene } from './lib/browser.mjs'

const next = '@react-admin/nextPathname'

// open goes to a page of the admin and sets up the provider.
async function open(page, path = '', urls = {}) {
  if (path !== undefined) await page.goto(s.app + '/admin' + path)
  await ready(page, urls)
}

const ready = (page, urls = {}) => page.evaluate((o, u) => window.admin(o, u), {
  domain: s.url, clientId: s.client, cacheLocation: 'localstorage', useRefreshTokens: true,
  authorizationParams: { audience: s.audience, scope: 'openid profile email create:items' },
}, { loginRedirectUri: s.app + '/admin/auth-callback', logoutRedirectUri: s.app + '/admin/login', ...urls })

const call = (page, method, arg) => page.evaluate(async (m, a) => {
  try {
    return { ok: (await window.provider[m](a)) ?? null }
  } catch (err) {
    return { message: err.message }
  }
}, method, arg)

// enter logs in by what checkAuth does to a visitor.
async function enter(page, who) {
  await open(page, '/items/7')
  await page.evaluate(() => { void window.provider.checkAuth({}) })
  await login(page, who)
  await at(page, s.app + '/admin/auth-callback')
  await ready(page)
  assert.deepEqual(await call(page, 'handleCallback'), { ok: null })
}

scene('checkAuth sends a visitor to log in and remembers where they were', async (page) => {
  await enter(page, s.ada)
  assert.equal(await page.evaluate((key) => localStorage.getItem(key), next), s.app + '/admin/items/7')
  await open(page, '/items/7') // a reload: tokens are in localStorage
  assert.deepEqual(await call(page, 'checkAuth', {}), { ok: null })
  assert.deepEqual(await call(page, 'getIdentity'), { ok: { id: s.ada.email, fullName: 'Ada Lovelace', avatar: 'https://example.com/ada.png' } })
  assert.deepEqual(await call(page, 'getPermissions'), { ok: ['menu-admin'] })
})

scene('without the role there are no permissions', async (page) => {
  await enter(page, s.ben)
  assert.deepEqual(await call(page, 'getPermissions'), { ok: [] })
})

scene('checkAuth without redirecting, before anybody logged in', async (page) => {
  await open(page, '', { redirectOnCheckAuth: false })
  assert.deepEqual(await call(page, 'checkAuth', {}), { message: 'Unauthorized' })
  assert.deepEqual(await call(page, 'getPermissions'), { ok: null })
  assert.deepEqual(await call(page, 'getIdentity'), { message: 'Failed to get identity.' })
  assert.deepEqual(await call(page, 'checkError', { status: 401 }), { message: 'Unauthorized' })
  assert.deepEqual(await call(page, 'checkError', { status: 500 }), { ok: null })
})

scene('handleCallback with an error of the provider fails', async (page) => {
  await open(page, '/auth-callback?error=access_denied&error_description=Closed')
  assert.deepEqual(await call(page, 'handleCallback'), { message: 'Failed to handle login callback.' })
})

scene('httpClient sends the token', async (page) => {
  await enter(page, s.ada)
  const { json } = await page.evaluate((url) => window.http(url), s.url + '/userinfo')
  assert.equal(json.sub, s.ada.sub)
  assert.equal(json.email, s.ada.email)
})

scene('logout ends both and comes back to the log-in page of the admin', async (page) => {
  await enter(page, s.ada)
  await page.evaluate(() => { void window.provider.logout() })
  await at(page, s.app + '/admin/login')
  await ready(page, { redirectOnCheckAuth: false })
  assert.deepEqual(await call(page, 'checkAuth', {}), { message: 'Unauthorized' })
  assert.equal((await page.cookies(s.url)).some((c) => /session/.test(c.name)), false)
})

scene('that of the guide lets people stay at 403, unless forbiddenLogsOut', async (page) => {
  await open(page)
  await page.evaluate(() => window.guide({}))
  assert.deepEqual(await call(page, 'checkError', { status: 403 }), { ok: null })
  assert.deepEqual(await call(page, 'checkError', { status: 401 }), { message: 'Unauthorized' })
  await page.evaluate(() => window.guide({ forbiddenLogsOut: true }))
  assert.deepEqual(await call(page, 'checkError', { status: 403 }), { message: 'Unauthorized' })
})
