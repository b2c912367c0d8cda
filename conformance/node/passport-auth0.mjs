// passport-auth0 with a session in memory.
import assert from 'node:assert/strict'
import test from 'node:test'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import Auth0Strategy from 'passport-auth0'
import { Browser, claims, listen, scenario as s } from './lib/browser.mjs'
import { register } from './lib/tenant.mjs'

async function serve(t, more = {}, ask = {}) {
  const app = express()
  const base = await listen(t, app)
  const p = new passport.Passport()
  p.use(new Auth0Strategy({ domain: s.domain, clientID: s.web, clientSecret: s.secret, callbackURL: base + '/callback', ...more },
    (accessToken, refreshToken, extra, profile, done) => done(null, { accessToken, refreshToken, extra, profile })))
  p.serializeUser((user, done) => done(null, user))
  p.deserializeUser((user, done) => done(null, user))
  app.use(session({ secret: 'a-secret-for-cookies', resave: false, saveUninitialized: false }))
  app.use(p.session())
  app.get('/', (req, res) => res.json(req.user ?? null))
  app.get('/login', p.authenticate('auth0', { scope: 'openid email profile offline_access', audience: s.audience, ...ask }))
  app.get('/callback', p.authenticate('auth0', { successRedirect: '/' }))
  app.use((err, req, res, next) => res.status(500).json(err.message)) // eslint-disable-line no-unused-vars
  await register(s.web, base)
  return base
}

test('log-in, profile and tokens', async (t) => {
  const base = await serve(t)
  const page = await new Browser().login(base + '/login', s.ada)
  assert.equal(page.url, base + '/', page.body)
  const { profile, accessToken, refreshToken, extra } = JSON.parse(page.body)
  assert.equal(profile.id, s.ada.sub)
  assert.equal(profile.provider, 'auth0')
  assert.deepEqual(profile.emails, [{ value: s.ada.email }])
  assert.equal(profile.displayName, s.ada.email)
  assert.equal(claims(accessToken).aud[0], s.audience)
  assert.equal(typeof refreshToken, 'string')
  assert.equal(claims(extra.id_token).aud, s.web)
})

test('max_age brings auth_time', async (t) => {
  const base = await serve(t, { maxAge: 600 }, { max_age: 600 })
  const page = await new Browser().login(base + '/login', s.ada)
  assert.equal(typeof claims(JSON.parse(page.body).extra.id_token).auth_time, 'number')
})

test('a connection that the client does not have is refused', async (t) => {
  const base = await serve(t, {}, { connection: 'nobody' })
  const page = await new Browser().open(base + '/login')
  assert.equal(page.status, 401, page.body)
  assert.equal(new URL(page.url).searchParams.get('error'), 'access_denied')
})

test('a state of somebody else is refused, and so is a wrong secret', async (t) => {
  const base = await serve(t)
  const { url } = await new Browser().login(base + '/login', s.ada, { stop: base + '/callback' })
  assert.equal((await new Browser().open(url)).status, 403)
  const wrong = await serve(t, { clientSecret: 'wrong' })
  assert.equal((await new Browser().login(wrong + '/login', s.ada)).status, 500)
})
