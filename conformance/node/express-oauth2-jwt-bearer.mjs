// express-oauth2-jwt-bearer, lax as it is by default, and strict (RFC 9068).
import assert from 'node:assert/strict'
import test from 'node:test'
import express from 'express'
import { auth, claimIncludes, requiredScopes } from 'express-oauth2-jwt-bearer'
import { header, listen, scenario as s } from './lib/browser.mjs'
import { token, userToken } from './lib/tenant.mjs'

// api is a service; ask requests it and returns [status, challenge, body].
async function api(t, options) {
  const app = express()
  app.use(auth({ issuerBaseURL: s.issuer, ...options }))
  app.get('/', (req, res) => res.json(req.auth.payload))
  app.get('/create', requiredScopes('create:items'), (req, res) => res.json('created'))
  app.get('/delete', claimIncludes('permissions', 'delete:items'), (req, res) => res.json('deleted'))
  app.use((err, req, res, next) => res.status(err.status ?? 500).set(err.headers).json(err.message)) // eslint-disable-line no-unused-vars
  const base = await listen(t, app)
  return async (path, jwt) => {
    const res = await fetch(base + path, { headers: jwt ? { authorization: `Bearer ${jwt}` } : {} })
    return [res.status, res.headers.get('www-authenticate'), await res.json()]
  }
}

test('a token of a machine, and of a person', async (t) => {
  const ask = await api(t, { audience: s.audience })
  const [status, , payload] = await ask('/', await token())
  assert.equal(status, 200)
  assert.equal(payload.iss, s.issuer)
  assert.equal(payload.sub, s.machine + '@clients')
  const [, , person] = await ask('/', await userToken(s.ada, { scope: 'openid' }))
  assert.equal(person.sub, s.ada.sub)
  assert.deepEqual(person.aud, [s.audience, s.url + '/userinfo'])
})

test('the issuer may be named without its slash', async (t) => {
  const ask = await api(t, { audience: s.audience, issuerBaseURL: s.url })
  assert.equal((await ask('/', await token()))[0], 200)
})

test('no token, a token that was changed, a token for another API', async (t) => {
  const ask = await api(t, { audience: s.audience })
  const [nothing, challenge] = await ask('/')
  assert.equal(nothing, 401)
  assert.match(challenge, /^Bearer realm="api"/)
  const good = await token()
  for (const [bad, why] of [
    [good.slice(0, -8) + 'AAAAAAAA', /signature verification failed/],
    [await token(s.strict), /Unexpected 'aud' value/],
    [await token(s.issuer + 'api/v2/', s.manager), /Unexpected 'aud' value/],
  ]) {
    const [status, challenge, message] = await ask('/', bad)
    assert.equal(status, 401)
    assert.match(challenge, /error="invalid_token"/)
    assert.match(message, why)
  }
})

test('an opaque token is no token for an API', async (t) => {
  const ask = await api(t, { audience: s.audience })
  const [status] = await ask('/', await userToken(s.ada, { audience: undefined, scope: 'openid' }))
  assert.equal(status, 401)
})

test('scopes and permissions', async (t) => {
  const ask = await api(t, { audience: s.audience })
  assert.equal((await ask('/create', await token()))[0], 200)
  assert.equal((await ask('/create', await userToken(s.ada, { scope: 'openid create:items' })))[0], 200)
  const [status, challenge] = await ask('/create', await userToken(s.bob, { scope: 'openid create:items' }))
  assert.equal(status, 403)
  assert.match(challenge, /error="insufficient_scope".*scope="create:items"/)
  assert.equal((await ask('/delete', await userToken(s.ada)))[0], 200)
  assert.equal((await ask('/delete', await token()))[0], 401) // its answer for a claim that is missing
})

test('strict: only tokens as RFC 9068 has them', async (t) => {
  const ask = await api(t, { audience: s.strict, strict: true })
  const jwt = await token(s.strict)
  assert.equal(header(jwt).typ, 'at+jwt')
  const [status, , payload] = await ask('/', jwt)
  assert.equal(status, 200)
  assert.equal(payload.client_id, s.machine)
  assert.equal(typeof payload.jti, 'string')
  const lax = await api(t, { audience: s.audience, strict: true })
  const [refused, , message] = await lax('/', await token())
  assert.equal(refused, 401)
  assert.match(message, /Unexpected 'typ' value/)
})

test('without discovery: jwksUri and issuer', async (t) => {
  const ask = await api(t, { issuerBaseURL: undefined, issuer: s.issuer, jwksUri: s.issuer + '.well-known/jwks.json', audience: s.audience, tokenSigningAlg: 'RS256' })
  assert.equal((await ask('/', await token()))[0], 200)
  const other = await api(t, {
    issuerBaseURL: undefined, issuer: s.url, jwksUri: s.issuer + '.well-known/jwks.json', audience: s.audience, tokenSigningAlg: 'RS256',
  })
  const [status, , message] = await other('/', await token()) // the slash is part of the issuer
  assert.equal(status, 401)
  assert.match(message, /Unexpected 'iss' value/)
})
