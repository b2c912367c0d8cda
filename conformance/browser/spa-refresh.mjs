// auth0-spa-js with refresh tokens, kept in localStorage as ra-auth-auth0's users
// do, or in the memory of a worker.
import assert from 'node:assert/strict'
import { at, forward, login, s, scene, until, watched } from './lib/browser.mjs'
import { back, call, open, redirect } from './lib/spa.mjs'

const kept = { useRefreshTokens: true, cacheLocation: 'localstorage' }
const fresh = { cacheMode: 'off' }
const unknown = { error: 'invalid_grant', description: 'Unknown or invalid refresh token.', message: 'Unknown or invalid refresh token.' }

async function loggedIn(page, options = kept, who = s.ada, origin = s.app) {
  await open(page, options, origin + '/')
  await redirect(page)
  await login(page, who)
  assert.ok((await back(page, options, origin)).ok)
}

// stored returns the refresh token of localStorage.
const stored = (page) => page.evaluate(() => {
  for (const key of Object.keys(localStorage)) {
    const body = key.startsWith('@@auth0spajs@@') && JSON.parse(localStorage.getItem(key)).body
    if (body?.refresh_token) return body.refresh_token
  }
})

// refresh sends a refresh token as a script of the page could that found it.
const refresh = (page, token, client = s.client) => page.evaluate(async (url, id, value) => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: id, refresh_token: value })
  const res = await fetch(url + '/oauth/token', { method: 'POST', body })
  return { status: res.status, ...await res.json() }
}, s.url, client, token)

// asked collects the requests of a page to the provider.
function asked(page) {
  const list = []
  page.on('request', (r) => { if (r.url().startsWith(s.url)) list.push(new URL(r.url()).pathname) })
  return list
}

scene('tokens rotate, and a reload needs neither page nor frame', async (page) => {
  await loggedIn(page)
  const one = await stored(page)
  assert.ok(one)
  const { ok: before } = await call(page, 'getIdTokenClaims')
  const { ok: first } = await call(page, 'getTokenSilently')
  const { ok: second } = await call(page, 'getTokenSilently', fresh)
  assert.notEqual(second, first)
  const two = await stored(page)
  assert.notEqual(two, one)
  const { ok: after } = await call(page, 'getIdTokenClaims')
  assert.equal(after.sid, before.sid)
  assert.equal(after.sub, before.sub)
  assert.equal(after.nonce, undefined)
  const list = asked(page)
  await open(page, kept)
  await call(page, 'checkSession')
  assert.equal((await call(page, 'getTokenSilently')).ok, second)
  assert.deepEqual(list, [], 'the cache answers')
  assert.ok((await call(page, 'getTokenSilently', fresh)).ok)
  assert.deepEqual(list.filter((path) => path !== '/oauth/token'), [])
  assert.notEqual(await stored(page), two)
})

scene('the old token within the leeway gives the same successor', async (page) => {
  await loggedIn(page)
  const one = await stored(page)
  assert.ok((await call(page, 'getTokenSilently', fresh)).ok)
  const again = await refresh(page, one)
  assert.equal(again.status, 200)
  assert.equal(again.refresh_token, await stored(page))
  assert.ok((await call(page, 'getTokenSilently', fresh)).ok)
})

scene('SES: the old token after the leeway ends the family', async (page) => {
  await loggedIn(page)
  const one = await stored(page)
  assert.ok((await call(page, 'getTokenSilently', fresh)).ok)
  await forward('11s')
  const again = await refresh(page, one)
  assert.equal(again.status, 403)
  assert.equal(again.error, 'invalid_grant')
  assert.deepEqual(await call(page, 'getTokenSilently', fresh), unknown)
}, { expected: /status of 403/ })

scene('without leeway it ends at once, and the frame helps where a session is left', async (page) => {
  const options = { ...kept, clientId: s.strict, useRefreshTokensFallback: true }
  await loggedIn(page, options)
  const one = await stored(page)
  assert.ok((await call(page, 'getTokenSilently', fresh)).ok)
  assert.equal((await refresh(page, one, s.strict)).status, 403)
  const { ok, error } = await call(page, 'getTokenSilently', fresh)
  assert.ok(ok, error)
  assert.notEqual(await stored(page), one)
}, { expected: /status of 403/ })

scene('two tabs that refresh at once both stay logged in', async (page, context) => {
  await loggedIn(page)
  const other = watched(await context.newPage())
  await open(other, kept)
  const tabs = [page, other]
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(tabs.flatMap((tab) => [call(tab, 'getTokenSilently', fresh), call(tab, 'getTokenSilently', fresh)]))
    for (const answer of answers) assert.ok(answer.ok, answer.message)
  }
  // Without the lock of the SDK, as two servers that render would.
  const token = await stored(page)
  const both = await Promise.all([...tabs, ...tabs].map((tab) => refresh(tab, token)))
  assert.deepEqual(both.map((b) => b.status), [200, 200, 200, 200])
  assert.equal(new Set(both.map((b) => b.refresh_token)).size, 1)
  assert.ok((await call(other, 'getTokenSilently', fresh)).ok)
  assert.ok((await call(page, 'getTokenSilently', fresh)).ok)
})

scene('in memory a worker keeps the refresh token, and a reload falls back to the frame', async (page) => {
  const options = { useRefreshTokens: true, useRefreshTokensFallback: true }
  await loggedIn(page, options)
  assert.ok(page.workers().length > 0, 'a worker')
  const list = asked(page)
  assert.ok((await call(page, 'getTokenSilently', fresh)).ok)
  assert.ok((await call(page, 'getTokenSilently', fresh)).ok)
  assert.ok(!list.includes('/authorize'))
  assert.equal(await stored(page), undefined)
  await open(page, options)
  assert.ok((await call(page, 'getTokenSilently')).ok)
  assert.ok(list.includes('/authorize'))
  await open(page, { useRefreshTokens: true })
  assert.equal((await call(page, 'getTokenSilently')).error, 'missing_refresh_token')
})

scene('an application on another site stays logged in with refresh tokens', async (page) => {
  await loggedIn(page, kept, s.ada, s.other)
  await open(page, kept, s.other + '/')
  await forward('48h') // the access token has run out, whatever the cache thinks
  const { ok, error } = await call(page, 'getTokenSilently', fresh)
  assert.ok(ok, error)
})

scene('logging out ends the refresh token', async (page) => {
  await loggedIn(page)
  const token = await stored(page)
  await page.evaluate((returnTo) => { void window.client.logout({ logoutParams: { returnTo } }) }, s.app + '/login')
  await at(page, s.app + '/login')
  assert.equal(await stored(page), undefined)
  assert.equal((await refresh(page, token)).status, 403)
}, { expected: /status of 403/ })

scene('revokeRefreshToken is obeyed', async (page) => {
  await loggedIn(page)
  const token = await stored(page)
  const { ok: methods } = { ok: await page.evaluate(() => typeof window.client.revokeRefreshToken) }
  assert.equal(methods, 'function')
  const answer = await call(page, 'revokeRefreshToken')
  assert.equal(answer.error, undefined, answer.message)
  assert.equal((await refresh(page, token)).status, 403)
}, { expected: /status of 403/ })

scene('a page of an origin that is not registered may not ask for tokens', async (page) => {
  await loggedIn(page)
  const token = await stored(page)
  await page.goto(s.stray + '/')
  const answer = await refresh(page, token).catch((err) => err.message)
  assert.match(String(answer), /Failed to fetch/)
  await until('Chromium to say why', () => page.complaints.some((c) => /CORS/.test(c)))
}, { expected: /CORS|Failed to load resource/ })
