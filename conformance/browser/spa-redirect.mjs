// auth0-spa-js by redirect.
import assert from 'node:assert/strict'
import { at, claims, forward, heading, login, s, scene, signup } from './lib/browser.mjs'
import { back, call, client, open, redirect } from './lib/spa.mjs'

scene('a stranger signs up, comes back, and has a token for the API without permissions', async (page) => {
  await open(page)
  await redirect(page, { screen_hint: 'signup' }, { appState: { dish: 7 } })
  const who = await signup(page)
  assert.deepEqual(await back(page), { ok: { appState: { dish: 7 }, response_type: 'code' } })
  const { ok: user } = await call(page, 'getUser')
  assert.equal(user.email, who.email)
  assert.equal(user.email_verified, false)
  assert.match(user.sub, /^auth0\|/)
  const { ok: token } = await call(page, 'getTokenSilently')
  const access = claims(token)
  assert.equal(access.iss, s.issuer)
  assert.deepEqual(access.aud, [s.audience, s.url + '/userinfo'])
  assert.equal(access.azp, s.client)
  assert.equal(access.sub, user.sub)
  assert.deepEqual(access.permissions, [])
})

scene('somebody with a role has its permissions in the token, and the cache answers the second time', async (page) => {
  await open(page)
  await redirect(page)
  await login(page, s.ada)
  assert.ok((await back(page)).ok)
  const first = await call(page, 'getTokenSilently', { detailedResponse: true })
  assert.deepEqual(claims(first.ok.access_token).permissions.toSorted(), ['create:items', 'delete:items', 'update:items'])
  assert.equal(first.ok.scope, 'openid profile email create:items update:items')
  assert.equal(claims(first.ok.access_token).scope, first.ok.scope)
  assert.equal(first.ok.expires_in, 86400)
  const second = await call(page, 'getTokenSilently')
  assert.equal(second.ok, first.ok.access_token)
  const { ok: id } = await call(page, 'getIdTokenClaims')
  assert.equal(id.iss, s.issuer)
  assert.equal(id.aud, s.client)
  assert.equal(id.sub, s.ada.sub)
  assert.equal(typeof id.auth_time, 'number')
})

scene('who is given a role has its permissions with the next token', async (page) => {
  await open(page)
  await redirect(page, { screen_hint: 'signup' })
  await signup(page)
  assert.ok((await back(page)).ok)
  const { ok: first } = await call(page, 'getTokenSilently', { detailedResponse: true })
  assert.deepEqual(claims(first.access_token).permissions, [])
  assert.equal(first.scope, 'openid profile email')
  await giveRole(claims(first.access_token).sub)
  const { ok: second } = await call(page, 'getTokenSilently', { detailedResponse: true, cacheMode: 'off' })
  assert.deepEqual(claims(second.access_token).permissions.toSorted(), ['create:items', 'delete:items', 'update:items'])
  assert.equal(second.scope, 'openid profile email create:items update:items')
})

// giveRole is what the administrator does, by the Management API.
async function giveRole(user) {
  const ask = async (path, body, token) => {
    const res = await fetch(s.url + path, {
      method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    })
    assert.ok(res.ok, `${path}: ${res.status}`)
    return res.status === 200 ? res.json() : null
  }
  const { access_token } = await ask('/oauth/token', {
    grant_type: 'client_credentials', client_id: s.manager, client_secret: s.secret, audience: s.issuer + 'api/v2/',
  })
  await ask(`/api/v2/users/${encodeURIComponent(user)}/roles`, { roles: [s.role] }, access_token)
}

scene('scopes that no role permits are not granted', async (page) => {
  await open(page)
  await redirect(page)
  await login(page, s.ben)
  assert.ok((await back(page)).ok)
  const { ok } = await call(page, 'getTokenSilently', { detailedResponse: true })
  assert.equal(ok.scope, 'openid profile email')
  assert.deepEqual(claims(ok.access_token).permissions, [])
})

scene('an unknown audience is an error at the callback and in silence', async (page) => {
  await open(page)
  await redirect(page, { audience: 'https://nobody.example' })
  const refused = { error: 'access_denied', description: 'Service not found: https://nobody.example', message: 'Service not found: https://nobody.example' }
  assert.deepEqual(await back(page), refused)
  assert.deepEqual(await call(page, 'getTokenSilently', { authorizationParams: { audience: 'https://nobody.example' } }), refused)
})

scene('a wrong password is told on the page, and the right one goes on', async (page) => {
  await open(page)
  await redirect(page)
  await login(page, { ...s.ada, password: 'wrong' })
  await page.locator('::-p-text(The e-mail address or the password is not right.)').wait()
  assert.equal(await page.locator('#username').map((e) => e.value).wait(), s.ada.email)
  assert.equal(await page.locator('#password').map((e) => e.value).wait(), '')
  await login(page, s.ada)
  assert.ok((await back(page)).ok)
}, { expected: /status of 40[01]/ })

scene('a reload asks in a frame without a page, and keeps nothing in storage', async (page) => {
  await open(page)
  await redirect(page)
  await login(page, s.ada)
  assert.ok((await back(page)).ok)
  const { ok: before } = await call(page, 'getIdTokenClaims')
  await open(page)
  assert.deepEqual(await call(page, 'isAuthenticated'), { ok: false })
  await call(page, 'checkSession')
  assert.deepEqual(await call(page, 'isAuthenticated'), { ok: true })
  const { ok: after } = await call(page, 'getIdTokenClaims')
  assert.equal(after.sid, before.sid)
  assert.equal(after.auth_time, before.auth_time)
  assert.notEqual(after.nonce, before.nonce)
  assert.equal(await page.evaluate(() => localStorage.length), 0)
})

scene('somebody who is not logged in stays so in silence', async (page) => {
  await open(page)
  assert.deepEqual(await call(page, 'checkSession'), {}) // no cookie of the SDK: it does not even ask
  assert.deepEqual(await call(page, 'getTokenSilently'), { error: 'login_required', description: 'Login required', message: 'Login required' })
})

scene('logging out ends the session at the provider and returns', async (page) => {
  await open(page)
  await redirect(page)
  await login(page, s.ada)
  assert.ok((await back(page)).ok)
  assert.ok((await page.cookies(s.url)).some((c) => /session/.test(c.name) && c.httpOnly), 'a session cookie')
  await page.evaluate((returnTo) => { void window.client.logout({ logoutParams: { returnTo } }) }, s.app + '/login')
  await at(page, s.app + '/login')
  assert.equal((await page.cookies(s.url)).some((c) => /session/.test(c.name)), false)
  await client(page)
  assert.equal((await call(page, 'getTokenSilently')).error, 'login_required')
  await redirect(page)
  await heading(page, 'Log in')
})

scene('logging out to an address that is not registered stays on a page that says why', async (page) => {
  await open(page)
  await page.evaluate(() => { void window.client.logout({ logoutParams: { returnTo: 'https://evil.example/' } }) })
  await at(page, s.url + '/v2/logout')
  const told = await page.evaluate(() => document.body.innerText)
  assert.match(told, /The "returnTo" querystring parameter is not defined/)
  assert.deepEqual([...page.origins].toSorted(), [s.app, s.url].toSorted())
}, { expected: /status of 400/ })

scene('a callback with an error says it, and an answer that was not asked for is refused', async (page) => {
  await open(page)
  await redirect(page)
  await heading(page, 'Log in')
  await page.goto(s.app + '/callback?error=access_denied&error_description=Closed%20today&state=x')
  assert.deepEqual(await back(page), { error: 'access_denied', description: 'Closed today', message: 'Closed today' })
  await page.goto(s.app + '/callback?code=stolen&state=of-somebody-else')
  assert.equal((await back(page)).ok, undefined)
})

scene('an action that denies is an error at the callback', async (page) => {
  await open(page)
  await redirect(page, { scope: 'openid email', login_hint: s.ben.email, 'ext-closed': 'yes' })
  await login(page, s.ben)
  assert.deepEqual(await back(page), { error: 'access_denied', description: 'The kitchen is closed', message: 'The kitchen is closed' })
})

scene('prompt=login asks again, and the token says when', async (page) => {
  await open(page)
  await redirect(page)
  await login(page, s.ada)
  assert.ok((await back(page)).ok)
  const { ok: before } = await call(page, 'getIdTokenClaims')
  await redirect(page) // the session goes on: no page
  assert.ok((await back(page)).ok)
  assert.equal((await call(page, 'getIdTokenClaims')).ok.auth_time, before.auth_time)
  await forward('5s')
  await redirect(page, { prompt: 'login' })
  await login(page, s.ada)
  assert.ok((await back(page)).ok)
  const { ok: after } = await call(page, 'getIdTokenClaims')
  assert.ok(after.auth_time >= before.auth_time + 5, `${after.auth_time} is not after ${before.auth_time}`)
})

scene('max_age asks again when the log-in is older', async (page) => {
  await open(page)
  await redirect(page)
  await login(page, s.ada)
  assert.ok((await back(page)).ok)
  await redirect(page, { max_age: 3600 })
  assert.ok((await back(page, { authorizationParams: { max_age: 3600 } })).ok)
  await forward('2h')
  await redirect(page, { max_age: 3600 })
  await login(page, s.ada)
  assert.ok((await back(page, { authorizationParams: { max_age: 3600 } })).ok)
})

scene('ui_locales and screen_hint choose the page', async (page) => {
  await open(page)
  await redirect(page, { ui_locales: 'de' })
  await heading(page, 'Anmelden')
  assert.equal(await page.$eval('html', (e) => e.lang), 'de')
  assert.match(await page.evaluate(() => document.body.innerText), /WAB Dashboard/)
  await open(page)
  await redirect(page, { ui_locales: 'de', screen_hint: 'signup' })
  await at(page, s.url + '/u/signup')
  assert.equal(await page.$eval('html', (e) => e.lang), 'de')
  await open(page)
  await redirect(page, { screen_hint: 'reset-password' })
  await heading(page, 'Reset your password')
})

scene('login_hint fills in the address', async (page) => {
  await open(page)
  await redirect(page, { login_hint: s.ada.email })
  await heading(page, 'Log in')
  assert.equal(await page.locator('#username').map((e) => e.value).wait(), s.ada.email)
  assert.equal(await page.evaluate(() => document.activeElement.id), 'password')
})

scene('an application on another site has no silent renewal in a frame, but is told login_required', async (page) => {
  await open(page, {}, s.other + '/')
  await redirect(page)
  await login(page, s.ada)
  assert.ok((await back(page, {}, s.other)).ok)
  await open(page, {}, s.other + '/')
  assert.equal((await call(page, 'getTokenSilently')).error, 'login_required')
})
