// express-openid-connect: over https as it is by default, with an ID token by
// form_post and no code; over http with a code.
import assert from 'node:assert/strict'
import test from 'node:test'
import express from 'express'
import oidc from 'express-openid-connect'
import { Browser, listen, scenario as s } from './lib/browser.mjs'
import { manage, register } from './lib/tenant.mjs'

const secure = s.url.startsWith('https:')
const over = (scheme, name, body) => s.url.startsWith(scheme + ':') && test(name, body)

// serve starts an app of which all pages need a log-in.
async function serve(t, options = {}) {
  const app = express()
  const base = await listen(t, app, secure && { cert: s.cert, key: s.key })
  app.use(oidc.auth({ issuerBaseURL: s.url, baseURL: base, clientID: s.web, secret: 'a-secret-for-cookies-of-32-bytes', idpLogout: true, ...options }))
  app.get('/', (req, res) => res.json(req.oidc.user))
  app.get('/token', async (req, res) => {
    const before = req.oidc.accessToken
    const after = await before.refresh()
    const user = await req.oidc.fetchUserInfo()
    res.json({ before: before.access_token, after: after.access_token, expires: after.expires_in, user })
  })
  app.use((err, req, res, next) => res.status(err.status ?? 500).json({ error: err.error, message: err.message })) // eslint-disable-line no-unused-vars
  await register(s.web, base)
  return base
}

// enter logs in; a page that sends itself is sent.
async function enter(base, browser = new Browser()) {
  let page = await browser.login(base + '/', s.ada)
  if (page.url.startsWith(s.url)) page = await browser.submit(page)
  return { page, browser, user: page.status === 200 && JSON.parse(page.body) }
}

const code = { clientSecret: s.secret, authorizationParams: { response_type: 'code', scope: 'openid profile email offline_access', audience: s.audience } }

over('https', 'defaults: an ID token by form_post', async (t) => {
  const base = await serve(t)
  const { page, user, browser } = await enter(base)
  assert.equal(page.status, 200, page.body)
  assert.equal(page.url, base + '/')
  assert.equal(user.sub, s.ada.sub)
  assert.equal(user.email, s.ada.email)
  assert.equal(user.email_verified, true)

  const left = await browser.open(base + '/logout', { stop: base })
  assert.equal(left.url.replace(/\/$/, ''), base)
  const again = await browser.open(base + '/')
  assert.match(again.url, new RegExp('^' + s.url + '/u/login'))
})

test('an answer that another browser asked for is refused', async (t) => {
  const base = await serve(t, secure ? {} : code)
  const victim = new Browser()
  await victim.open(base + '/')
  const browser = new Browser()
  const page = await browser.login(base + '/', s.ada, { stop: base + '/callback' })
  const end = secure
    ? await victim.open(base + '/callback', { method: 'POST', form: { state: 'x', id_token: 'a.b.c' } })
    : await victim.open(page.url)
  assert.equal(end.status, 400, end.body)
})

over('http', 'a code in the query, client_secret_basic, refresh and userinfo', async (t) => {
  const base = await serve(t, code)
  const { page, user, browser } = await enter(base)
  assert.equal(page.url, base + '/')
  assert.equal(user.sub, s.ada.sub)
  const tokens = JSON.parse((await browser.open(base + '/token')).body)
  assert.notEqual(tokens.after, tokens.before)
  assert.equal(tokens.user.sub, s.ada.sub)
  assert.ok(tokens.expires > 86000)
  await browser.open(base + '/logout')
  assert.match((await browser.open(base + '/')).url, new RegExp('^' + s.url + '/u/login'))
})

over('http', 'client_secret_post, and the log-out of Auth0', async (t) => {
  const base = await serve(t, { ...code, clientAuthMethod: 'client_secret_post', auth0Logout: true })
  const { user, browser } = await enter(base)
  assert.equal(user.email, s.ada.email)
  const left = await browser.request(base + '/logout')
  assert.match(left.headers.location, /\/v2\/logout\?/)
  await browser.open(left.headers.location)
  assert.match((await browser.open(base + '/')).url, new RegExp('^' + s.url + '/u/login'))
})

over('https', 'a hybrid answer by form_post', async (t) => {
  const base = await serve(t, { clientSecret: s.secret, authorizationParams: { response_type: 'code id_token', scope: 'openid email' } })
  const { user } = await enter(base)
  assert.equal(user.email, s.ada.email)
})

over('http', 'a wrong secret', async (t) => {
  const base = await serve(t, { ...code, clientSecret: 'wrong' })
  const { page } = await enter(base)
  assert.notEqual(page.status, 200)
  assert.equal(new URL(page.url).pathname, '/callback')
})

over('http', 'back-channel log-out', async (t) => {
  const rows = new Map()
  const store = {
    get: (id, done) => done(null, rows.get(id)), set: (id, row, done) => { rows.set(id, row); done() },
    destroy: (id, done) => { rows.delete(id); done() },
  }
  const base = await serve(t, { ...code, session: { store }, backchannelLogout: { store } })
  await register(s.web, base, { oidc_logout: { backchannel_logout_urls: [base + '/backchannel-logout'] } })
  const { user, browser } = await enter(base)
  assert.equal(user.email, s.ada.email)
  await manage('DELETE', `users/${encodeURIComponent(s.ada.sub)}/sessions`)
  let where
  for (let i = 0; i < 100; i++) {
    where = await browser.open(base + '/')
    if (where.url.startsWith(s.url)) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.match(where.url, new RegExp('^' + s.url + '/u/login'))
})
