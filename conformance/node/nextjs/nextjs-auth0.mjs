// The server side of nextjs-auth0 4 without a Next application: its middleware
// is given the requests that Next would give it.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Auth0Client } from '@auth0/nextjs-auth0/server'
import { NextRequest, NextResponse } from 'next/server.js'
import { Browser, claims, listen, scenario as s } from '../lib/browser.mjs'
import { manage } from '../lib/tenant.mjs'

async function serve(t, options = {}) {
  let base, auth0
  const routes = {
    '/': async (req) => NextResponse.json((await auth0.getSession(req))?.user ?? null),
    '/renew': async (req) => {
      const carrier = new NextResponse()
      const token = await auth0.getAccessToken(req, carrier, { refresh: true })
      const body = NextResponse.json(token)
      for (const cookie of carrier.headers.getSetCookie()) body.headers.append('set-cookie', cookie)
      return body
    },
  }
  base = await listen(t, async (req, res) => {
    try {
      const chunks = []
      for await (const chunk of req) chunks.push(chunk)
      const request = new NextRequest(base + req.url, {
        method: req.method, headers: req.headers, body: chunks.length ? Buffer.concat(chunks) : undefined,
      })
      let answer = await auth0.middleware(request)
      const route = routes[request.nextUrl.pathname]
      if (route) answer = await route(request)
      for (const [name, value] of answer.headers) if (name !== 'set-cookie') res.setHeader(name, value)
      res.setHeader('set-cookie', answer.headers.getSetCookie())
      res.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()))
    } catch (err) {
      res.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ code: err.code, message: err.message, cause: err.cause?.message }))
    }
  })
  auth0 = new Auth0Client({
    domain: s.url, allowInsecureRequests: true, clientId: s.web, clientSecret: s.secret, appBaseUrl: base, secret: '0123456789abcdef'.repeat(4),
    authorizationParameters: { audience: s.audience, scope: 'openid profile email offline_access create:items' },
    ...options,
  })
  await manage('PATCH', 'clients/' + s.web, {
    callbacks: [base + '/auth/callback'], allowed_logout_urls: [base], oidc_logout: { backchannel_logout_urls: [base + '/auth/backchannel-logout'] },
  })
  return base
}

test('log-in, session, access token, refresh, log-out', async (t) => {
  const base = await serve(t)
  const browser = new Browser()
  const home = await browser.login(base + '/auth/login', s.ada)
  assert.equal(home.url, base + '/', home.body)
  assert.equal(JSON.parse(home.body).sub, s.ada.sub)

  const profile = await browser.open(base + '/auth/profile')
  assert.equal(JSON.parse(profile.body).email, s.ada.email)
  const first = JSON.parse((await browser.open(base + '/auth/access-token')).body)
  assert.deepEqual(claims(first.token).aud, [s.audience, s.url + '/userinfo'])
  assert.equal(first.scope, 'openid profile email offline_access create:items')
  const renewed = await browser.open(base + '/renew')
  assert.equal(renewed.status, 200, renewed.body)
  assert.notEqual(JSON.parse(renewed.body).token, first.token)
  const kept = JSON.parse((await browser.open(base + '/auth/access-token')).body)
  assert.equal(kept.token, JSON.parse(renewed.body).token)

  const left = await browser.open(base + '/auth/logout')
  assert.equal(left.url, base + '/', left.body)
  assert.equal(JSON.parse(left.body), null)
  const page = await browser.open(base + '/auth/login')
  assert.match(page.url, new RegExp('^' + s.url + '/u/login')) // the session of the provider has ended too
})

test('log-out by the address of Auth0', async (t) => {
  const base = await serve(t, { logoutStrategy: 'v2' })
  const browser = new Browser()
  await browser.login(base + '/auth/login', s.ada)
  const res = await browser.request(base + '/auth/logout')
  assert.match(res.headers.location, /\/v2\/logout\?/)
  assert.equal((await browser.open(res.headers.location)).url, base + '/')
})

test('who is not logged in has no profile and no token', async (t) => {
  const base = await serve(t)
  assert.equal((await new Browser().open(base + '/auth/access-token')).status, 401)
  assert.equal(JSON.parse((await new Browser().open(base + '/')).body), null)
})

test('the answer to another browser is refused', async (t) => {
  const base = await serve(t)
  const { url } = await new Browser().login(base + '/auth/login', s.ada, { stop: base + '/auth/callback' })
  const stolen = await new Browser().open(url)
  assert.equal(stolen.status, 500)
  assert.match(stolen.body, /state parameter is invalid/i)
})

test('an API that does not exist comes back as an error', async (t) => {
  const base = await serve(t, { authorizationParameters: { audience: 'https://nobody.example' } })
  const page = await new Browser().open(base + '/auth/login')
  assert.equal(new URL(page.url).searchParams.get('error_description'), 'Service not found: https://nobody.example')
  assert.equal(page.status, 500)
})

test('back-channel log-out removes the session from the store', async (t) => {
  const rows = new Map()
  const sessionStore = {
    get: async (id) => rows.get(id) ?? null, set: async (id, row) => { rows.set(id, row) }, delete: async (id) => { rows.delete(id) },
    deleteByLogoutToken: async ({ sid, sub }) => {
      for (const [id, row] of rows) if (row.internal.sid === sid || row.user.sub === sub) rows.delete(id)
    },
  }
  const base = await serve(t, { sessionStore })
  const browser = new Browser()
  await browser.login(base + '/auth/login', s.ada)
  assert.equal(rows.size, 1)
  await manage('DELETE', `users/${encodeURIComponent(s.ada.sub)}/sessions`)
  for (let i = 0; i < 100 && rows.size; i++) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(rows.size, 0)
  assert.equal(JSON.parse((await browser.open(base + '/')).body), null)
})

test('over http only when it was asked for', async (t) => {
  await assert.rejects(serve(t, { allowInsecureRequests: false }), { code: 'domain_validation_error' })
})
