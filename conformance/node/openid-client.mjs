// openid-client 6 on oauth4webapi.
import assert from 'node:assert/strict'
import test from 'node:test'
import { webcrypto } from 'node:crypto'
import * as client from 'openid-client'
import { Browser, claims, form, header, scenario as s } from './lib/browser.mjs'

const insecure = { execute: [client.allowInsecureRequests] } // http on this machine
const discover = (id, auth, metadata) => client.discovery(new URL(s.issuer), id, metadata, auth, insecure)
const web = () => discover(s.web, client.ClientSecretPost(s.secret))
const spa = () => discover(s.spa, client.None())

// authorize logs in and returns the callback with what it is checked against.
async function authorize(config, more = {}, browser = new Browser()) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: s.callback, scope: 'openid profile email offline_access create:items', audience: s.audience,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
    state: checks.expectedState, nonce: checks.expectedNonce, ...more,
  })
  const answer = await browser.login(url.href, s.ada, { stop: s.callback })
  return { callback: new URL(answer.url), checks, browser }
}

async function login(config, more) {
  const { callback, checks, browser } = await authorize(config, more)
  return { tokens: await client.authorizationCodeGrant(config, callback, checks), browser }
}

const refused = (status, error, description) => (err) => {
  assert.equal(err.status, status, err.stack)
  assert.equal(err.error, error)
  if (description) assert.match(err.error_description, description)
  return true
}

test('discovery names the issuer byte for byte and only what is there', async () => {
  const server = (await web()).serverMetadata()
  assert.equal(server.issuer, s.issuer)
  assert.equal(server.supportsPKCE(), true)
  assert.equal(server.authorization_response_iss_parameter_supported, true)
  const oauth = await client.discovery(new URL(s.issuer), s.web, s.secret, undefined, { ...insecure, algorithm: 'oauth2' })
  assert.deepEqual(oauth.serverMetadata(), server)
})

test('code flow with PKCE, state and nonce: a public client', async () => {
  const config = await spa()
  const { tokens } = await login(config)
  assert.equal(tokens.token_type, 'bearer')
  assert.equal(tokens.expires_in, 86400)
  const id = tokens.claims()
  assert.equal(id.iss, s.issuer)
  assert.equal(id.aud, s.spa)
  assert.equal(id.sub, s.ada.sub)
  assert.equal(id.email, s.ada.email)
  assert.equal(id.email_verified, true)
  assert.equal(typeof id.sid, 'string')
  const access = claims(tokens.access_token)
  assert.deepEqual(access.aud, [s.audience, s.url + '/userinfo'])
  assert.equal(access.azp, s.spa)
  assert.equal(access.scope, 'openid profile email offline_access create:items')
  assert.deepEqual(access.permissions.toSorted(), ['create:items', 'delete:items', 'update:items'])
  assert.equal(header(tokens.access_token).typ, 'JWT')
})

test('the signature of the ID token is checked', async () => {
  const config = await web()
  client.enableNonRepudiationChecks(config)
  const { tokens } = await login(config, { max_age: '600' })
  assert.equal(typeof tokens.claims().auth_time, 'number')
})

test('the response carries iss, and one with another issuer is refused', async () => {
  const config = await web()
  const { callback, checks } = await authorize(config)
  assert.equal(callback.searchParams.get('iss'), s.issuer)
  callback.searchParams.set('iss', 'http://localhost:1/')
  await assert.rejects(client.authorizationCodeGrant(config, callback, checks), { code: 'OAUTH_INVALID_RESPONSE' })
})

test('no state is answered with no state', async () => {
  const config = await web()
  const { callback, checks } = await authorize(config, { state: '' })
  assert.equal(callback.searchParams.has('state'), false)
  await client.authorizationCodeGrant(config, callback, { ...checks, expectedState: undefined })
})

test('a wrong verifier is refused, and so is a code used twice', async () => {
  const config = await spa()
  const { callback, checks } = await authorize(config)
  await assert.rejects(client.authorizationCodeGrant(config, callback, { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }),
    refused(403, 'invalid_grant'))
  const again = await authorize(config)
  const first = await client.authorizationCodeGrant(config, again.callback, again.checks)
  await assert.rejects(client.authorizationCodeGrant(config, again.callback, again.checks), refused(403, 'invalid_grant'))
  await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), refused(403, 'invalid_grant')) // RFC 9700 §4.5
})

test('a redirect address that is not registered is not redirected to', async () => {
  const url = client.buildAuthorizationUrl(await spa(), { redirect_uri: 'http://localhost:3000/other', scope: 'openid' })
  const page = await new Browser().open(url.href, { stop: 'http://localhost:3000' })
  assert.equal(page.status, 403)
  assert.match(page.body, /Callback URL mismatch/)
})

test('an unknown audience comes back as an error', async () => {
  const config = await web()
  const url = client.buildAuthorizationUrl(config, { redirect_uri: s.callback, scope: 'openid', audience: 'https://nobody.example', state: 'st' })
  const { url: callback } = await new Browser().open(url.href, { stop: s.callback })
  await assert.rejects(client.authorizationCodeGrant(config, new URL(callback), { expectedState: 'st' }), (err) => {
    assert.equal(err.error, 'access_denied')
    assert.equal(err.error_description, 'Service not found: https://nobody.example')
    return true
  })
})

test('prompt=none: login_required without a session, a code with one', async () => {
  const config = await spa()
  const { browser } = await authorize(config)
  const ask = async (b) => {
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: s.callback, scope: 'openid', prompt: 'none', state: 'st', code_challenge_method: 'S256',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
    })
    const { url: callback } = await b.open(url.href, { stop: s.callback })
    return client.authorizationCodeGrant(config, new URL(callback), { expectedState: 'st', pkceCodeVerifier: verifier })
  }
  await assert.rejects(ask(new Browser()), { error: 'login_required', error_description: 'Login required' })
  assert.equal((await ask(browser)).claims().sub, s.ada.sub)
})

test('refresh rotates, and a reused token ends the family', async () => {
  const config = await spa()
  const { tokens } = await login(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(second.refresh_token, tokens.refresh_token)
  assert.equal(second.claims().sub, s.ada.sub)
  assert.equal(second.claims().nonce, undefined)
  assert.equal(second.scope, tokens.scope)
  const less = await client.refreshTokenGrant(config, second.refresh_token, { scope: 'openid email' })
  assert.equal(claims(less.access_token).scope, 'openid email')
  const third = less.refresh_token
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refused(403, 'invalid_grant', /invalid refresh token/))
  await assert.rejects(client.refreshTokenGrant(config, third), refused(403, 'invalid_grant', /invalid refresh token/))
})

test('a refresh token of another client is refused', async () => {
  const { tokens } = await login(await spa())
  await assert.rejects(client.refreshTokenGrant(await web(), tokens.refresh_token), refused(403, 'invalid_grant'))
})

test('userinfo answers for the same subject only', async () => {
  const config = await spa()
  const { tokens } = await login(config)
  const user = await client.fetchUserInfo(config, tokens.access_token, s.ada.sub)
  assert.equal(user.email, s.ada.email)
  assert.equal(user.name, s.ada.email)
  assert.equal(user.iss, undefined)
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, 'auth0|someone-else'), { code: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' })
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token + 'x', s.ada.sub), (err) => {
    assert.equal(err.cause[0].scheme, 'bearer')
    assert.equal(err.cause[0].parameters.error, 'invalid_token')
    return true
  })
})

test('client credentials, and an API that was not granted', async () => {
  const config = await discover(s.machine, client.ClientSecretPost(s.secret))
  const tokens = await client.clientCredentialsGrant(config, { audience: s.audience })
  const access = claims(tokens.access_token)
  assert.equal(access.sub, s.machine + '@clients')
  assert.equal(access.aud, s.audience)
  assert.equal(access.gty, 'client-credentials')
  assert.deepEqual(access.permissions, ['create:items'])
  assert.equal(tokens.refresh_token, undefined)
  assert.equal(tokens.id_token, undefined)
  await assert.rejects(client.clientCredentialsGrant(config, { audience: s.issuer + 'api/v2/' }), refused(403, 'access_denied'))
  await assert.rejects(client.clientCredentialsGrant(config, { audience: 'https://nobody.example' }), refused(403, 'access_denied', /Service not enabled/))
})

test('client_secret_basic, form-encoded', async () => {
  const config = await discover(s.basic, client.ClientSecretBasic(s.oddSecret))
  const tokens = await client.clientCredentialsGrant(config, { audience: s.audience })
  assert.equal(claims(tokens.access_token).azp, s.basic)
  const wrong = await discover(s.basic, client.ClientSecretBasic(s.oddSecret + 'x'))
  await assert.rejects(client.clientCredentialsGrant(wrong, { audience: s.audience }), (err) => {
    assert.equal(err.status, 401)
    assert.equal(err.cause[0].scheme, 'basic')
    return true
  })
})

test('client_secret_post with a wrong secret shows the JSON error', async () => {
  const config = await discover(s.machine, client.ClientSecretPost('wrong'))
  await assert.rejects(client.clientCredentialsGrant(config, { audience: s.audience }), refused(401, 'access_denied', /^Unauthorized$/))
})

for (const alg of ['RS256', 'PS256', 'ES256']) {
  test(`private_key_jwt, ${alg}`, async () => {
    const of = async (name) => {
      const how = alg === 'ES256' ? { name: 'ECDSA', namedCurve: 'P-256' }
        : { name: alg === 'PS256' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      const der = Buffer.from(s.keys[name], 'base64')
      return { key: await webcrypto.subtle.importKey('pkcs8', der, how, false, ['sign']), kid: name }
    }
    const config = await discover(s.signing, client.PrivateKeyJwt(await of(alg)))
    const tokens = await client.clientCredentialsGrant(config, { audience: s.audience })
    assert.equal(claims(tokens.access_token).azp, s.signing)
    const other = await discover(s.signing, client.PrivateKeyJwt(await of('other ' + alg)))
    await assert.rejects(client.clientCredentialsGrant(other, { audience: s.audience }), refused(401, 'invalid_client'))
  })
}

test('revocation ends the family, unknown tokens are no error', async () => {
  const config = await web()
  const { tokens } = await login(config)
  await client.tokenRevocation(config, tokens.refresh_token)
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refused(403, 'invalid_grant'))
  await client.tokenRevocation(config, 'nobody-knows-this')
})

test('introspection', async () => {
  const config = await web()
  const { tokens } = await login(config)
  const access = await client.tokenIntrospection(config, tokens.access_token)
  assert.equal(access.active, true)
  assert.equal(access.sub, s.ada.sub)
  assert.equal(access.client_id, s.web)
  assert.equal(access.iss, s.issuer)
  assert.equal(typeof access.exp, 'number')
  assert.deepEqual(await client.tokenIntrospection(config, 'nobody-knows-this'), { active: false })
})

test('an ID token by form_post', async () => {
  const config = await web()
  client.useIdTokenResponseType(config)
  const [state, nonce, browser] = [client.randomState(), client.randomNonce(), new Browser()]
  const url = client.buildAuthorizationUrl(config, { redirect_uri: s.callback, scope: 'openid email', response_mode: 'form_post', state, nonce })
  const page = await browser.login(url.href, s.ada)
  const { action, hidden } = form(page)
  assert.equal(action, s.callback)
  const request = new Request(action, { method: 'POST', body: new URLSearchParams(hidden) })
  const id = await client.implicitAuthentication(config, request, nonce, { expectedState: state })
  assert.equal(id.email, s.ada.email)
})

test('code id_token by form_post', async () => {
  const config = await web()
  client.useCodeIdTokenResponseType(config)
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce, browser] = [client.randomState(), client.randomNonce(), new Browser()]
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: s.callback, scope: 'openid email', response_mode: 'form_post', state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const { action, hidden } = form(await browser.login(url.href, s.ada))
  const request = new Request(action, { method: 'POST', body: new URLSearchParams(hidden) })
  const tokens = await client.authorizationCodeGrant(config, request, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce })
  assert.equal(tokens.claims().email, s.ada.email)
})

test('RP-initiated logout ends the session', async () => {
  const config = await spa()
  const { tokens, browser } = await login(config)
  const url = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: s.logoutURL, state: 'bye' })
  const back = await browser.open(url.href, { stop: s.logoutURL })
  assert.equal(back.url, s.logoutURL + '?state=bye')
  const silent = client.buildAuthorizationUrl(config, {
    redirect_uri: s.callback, scope: 'openid', prompt: 'none', code_challenge_method: 'S256',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
  })
  const { url: callback } = await browser.open(silent.href, { stop: s.callback })
  assert.equal(new URL(callback).searchParams.get('error'), 'login_required')
})

test('RP-initiated logout goes to registered addresses only', async () => {
  const config = await spa()
  const { tokens, browser } = await login(config)
  const url = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: 'http://localhost:3000/elsewhere' })
  const page = await browser.open(url.href, { stop: 'http://localhost:3000' })
  assert.equal(page.status, 400)
})
