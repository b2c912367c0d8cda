// node-auth0 4.1, the oldest that the generator's ancestor allowed.
import assert from 'node:assert/strict'
import test from 'node:test'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { AuthenticationClient, ManagementClient, UserInfoClient } from 'auth0-4'
import { Browser, claims, scenario as s } from './lib/browser.mjs'
import { setUp } from './lib/generator.mjs'

const auth = new AuthenticationClient({ domain: s.domain, clientId: s.web, clientSecret: s.secret })
const management = new ManagementClient({ domain: s.domain, clientId: s.manager, clientSecret: s.secret })
const realm = (more = {}) => auth.oauth.passwordGrant({
  username: s.ada.email, password: s.ada.password, realm: s.connection, audience: s.audience,
  scope: 'openid profile email offline_access create:items', ...more,
})
const refused = (statusCode, error, description) => (err) => {
  assert.equal(err.statusCode, statusCode, err.stack)
  assert.equal(err.errorCode ?? err.error, error)
  assert.match(err.error_description ?? err.msg, description)
  return true
}

test('password-realm grant; the ID token is verified by JWKS', async () => {
  const { data } = await realm()
  assert.equal(claims(data.id_token).sub, s.ada.sub)
  const access = claims(data.access_token)
  assert.equal(access.gty, 'password')
  assert.deepEqual(access.permissions.toSorted(), ['create:items', 'delete:items', 'update:items'])
  assert.equal(data.expires_in, 86400)
  const { data: user } = await new UserInfoClient({ domain: s.domain }).getUserInfo(data.access_token)
  assert.equal(user.email, s.ada.email)
})

test('a wrong password, an unknown user and a client without the grant are refused', async () => {
  await assert.rejects(realm({ password: 'Wrong-Tin-Otter-1' }), refused(403, 'invalid_grant', /^Wrong email or password\.$/))
  await assert.rejects(realm({ username: 'nobody@example.com' }), refused(403, 'invalid_grant', /^Wrong email or password\.$/))
  const machine = new AuthenticationClient({ domain: s.domain, clientId: s.machine, clientSecret: s.secret })
  await assert.rejects(machine.oauth.passwordGrant({ username: s.ada.email, password: s.ada.password, realm: s.connection }),
    refused(403, 'unauthorized_client', /not allowed for the client/))
})

test('client credentials, with a wrong secret, for a wrong API', async () => {
  const machine = new AuthenticationClient({ domain: s.domain, clientId: s.machine, clientSecret: s.secret })
  const { data } = await machine.oauth.clientCredentialsGrant({ audience: s.audience })
  assert.equal(claims(data.access_token).sub, s.machine + '@clients')
  await assert.rejects(machine.oauth.clientCredentialsGrant({ audience: 'https://nobody.example' }), refused(403, 'access_denied', /Service not enabled/))
  const wrong = new AuthenticationClient({ domain: s.domain, clientId: s.machine, clientSecret: 'wrong' })
  await assert.rejects(wrong.oauth.clientCredentialsGrant({ audience: s.audience }), refused(401, 'access_denied', /^Unauthorized$/))
})

test('private_key_jwt', async () => {
  const of = (name) => new AuthenticationClient({
    domain: s.domain, clientId: s.signing, clientAssertionSigningAlg: 'RS256',
    clientAssertionSigningKey: `-----BEGIN PRIVATE KEY-----\n${s.keys[name]}\n-----END PRIVATE KEY-----`,
  })
  const { data } = await of('RS256').oauth.clientCredentialsGrant({ audience: s.audience })
  assert.equal(claims(data.access_token).azp, s.signing)
  await assert.rejects(of('other RS256').oauth.clientCredentialsGrant({ audience: s.audience }), refused(401, 'invalid_client', /./))
})

test('code flow with PKCE', async () => {
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
  const url = new URL('/authorize', s.url)
  url.search = new URLSearchParams({
    client_id: s.web, redirect_uri: s.callback, response_type: 'code', scope: 'openid', state: 'st', nonce: 'n1',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  })
  const back = await new Browser().login(url.href, s.ada, { stop: s.callback })
  const grant = { code: new URL(back.url).searchParams.get('code'), redirect_uri: s.callback, code_verifier: verifier }
  const { data } = await auth.oauth.authorizationCodeGrantWithPKCE(grant, { idTokenValidateOptions: { nonce: 'n1' } })
  assert.equal(claims(data.id_token).nonce, 'n1')
  await assert.rejects(auth.oauth.authorizationCodeGrantWithPKCE(grant), refused(403, 'invalid_grant', /./))
})

test('refresh brings an ID token without a nonce; a revoked token is refused', async () => {
  const { data } = await realm()
  const { data: next } = await auth.oauth.refreshTokenGrant({ refresh_token: data.refresh_token })
  assert.equal(claims(next.id_token).sub, s.ada.sub)
  await auth.oauth.revokeRefreshToken({ token: next.refresh_token ?? data.refresh_token })
  await assert.rejects(auth.oauth.refreshTokenGrant({ refresh_token: next.refresh_token ?? data.refresh_token }),
    refused(403, 'invalid_grant', /invalid refresh token/))
})

test('sign-up, and the ways it is refused', async () => {
  const who = { email: 'New@Example.com', password: 'Bridge-Lamp-Otter-7', connection: s.connection, user_metadata: { plan: 'silver' } }
  const { data } = await auth.database.signUp(who)
  assert.match(data._id, /^[0-9a-f]{24}$/) // later versions call it id
  assert.equal(data.email, 'new@example.com')
  assert.equal(data.email_verified, false)
  const { data: user } = await management.users.get({ id: 'auth0|' + data._id })
  assert.deepEqual(user.user_metadata, { plan: 'silver' })
  await assert.rejects(auth.database.signUp(who), (err) => {
    assert.equal(err.statusCode, 400)
    assert.equal(err.error, 'invalid_signup')
    return true
  })
  await assert.rejects(auth.database.signUp({ ...who, email: 'weak@example.com', password: 'short' }), (err) => {
    assert.equal(err.statusCode, 400)
    assert.equal(err.error, 'invalid_password')
    assert.equal(JSON.parse(err.body).name, 'PasswordStrengthError')
    return true
  })
})

test('change_password says the same to everybody, and writes one letter', async () => {
  const letters = async () => (await readdir(s.outbox).catch(() => [])).length
  const before = await letters()
  for (const email of ['nobody@example.com', s.ada.email]) {
    const { data } = await auth.database.changePassword({ email, connection: s.connection })
    assert.match(data, /just sent you an email to reset your password/)
  }
  for (let i = 0; i < 100 && await letters() === before; i++) await new Promise((r) => setTimeout(r, 50))
  const files = await readdir(s.outbox)
  assert.equal(files.length, before + 1)
  const all = await Promise.all(files.map((f) => readFile(path.join(s.outbox, f), 'utf8')))
  assert.equal(all.filter((text) => text.includes('/u/reset-password?ticket')).length, 1)
})

test('management: users, roles and permissions', async () => {
  const { data: user } = await management.users.create({
    connection: s.connection, email: 'cook@example.com', password: 'Bridge-Lamp-Otter-7', app_metadata: { station: 'grill', shift: 1 },
  })
  assert.match(user.user_id, /^auth0\|[0-9a-f]{24}$/)
  assert.equal(user.identities[0].connection, s.connection)
  const { data: changed } = await management.users.update({ id: user.user_id }, { app_metadata: { shift: 2 } })
  assert.deepEqual(changed.app_metadata, { station: 'grill', shift: 2 })
  const { data: role } = await management.roles.create({ name: 'cook', description: 'Cooks' })
  assert.match(role.id, /^rol_/)
  const permission = { resource_server_identifier: s.audience, permission_name: 'update:items' }
  await management.roles.addPermissions({ id: role.id }, { permissions: [permission] })
  const { data: permissions } = await management.roles.getPermissions({ id: role.id })
  assert.equal(permissions[0].permission_name, 'update:items')
  assert.equal(permissions[0].resource_server_name, 'Restaurant')
  await management.users.assignRoles({ id: user.user_id }, { roles: [role.id] })
  assert.deepEqual((await management.users.getRoles({ id: user.user_id })).data.map((r) => r.name), ['cook'])
  const { data: direct } = await management.users.getPermissions({ id: user.user_id })
  assert.equal(direct[0].sources[0].source_name, 'cook')
  const { data: token } = await auth.oauth.passwordGrant({
    username: 'cook@example.com', password: 'Bridge-Lamp-Otter-7', realm: s.connection, audience: s.audience,
  })
  assert.deepEqual(claims(token.access_token).permissions, ['update:items'])
  await management.users.deleteRoles({ id: user.user_id }, { roles: [role.id] })
  assert.deepEqual((await management.users.getRoles({ id: user.user_id })).data, [])
  await management.roles.delete({ id: role.id })
  await management.users.delete({ id: user.user_id })
  await assert.rejects(management.users.get({ id: user.user_id }), refused(404, 'inexistent_user', /The user does not exist\./))
  await assert.rejects(management.roles.get({ id: role.id }), (err) => err.statusCode === 404)
})

test('management: paging with totals, and searching', async () => {
  for (let i = 0; i < 5; i++) {
    await management.users.create({ connection: s.connection, email: `guest${i}@paging.example`, password: 'Bridge-Lamp-Otter-7' })
  }
  const q = 'email:*@paging.example'
  const found = []
  for (let page = 0; ; page++) {
    const { data } = await management.users.getAll({ page, per_page: 2, include_totals: true, q, search_engine: 'v3', sort: 'email:1' })
    assert.equal(data.total, 5)
    assert.equal(data.start, page * 2)
    assert.equal(data.limit, 2)
    found.push(...data.users.map((u) => u.email))
    if (data.start + data.length >= data.total) break
  }
  assert.deepEqual(found, [0, 1, 2, 3, 4].map((i) => `guest${i}@paging.example`))
  const { data: bare } = await management.users.getAll({ per_page: 3, q: 'email:"guest1@paging.example"', search_engine: 'v3' })
  assert.equal(bare.length, 1)
  const { data: byEmail } = await management.usersByEmail.getByEmail({ email: 'guest1@paging.example' })
  assert.equal(byEmail[0].user_id, bare[0].user_id)
})

test('management: clients, APIs, grants and connections', async () => {
  const { data: app } = await management.clients.create({ name: 'Till', app_type: 'non_interactive', grant_types: ['client_credentials'] })
  assert.match(app.client_id, /^[A-Za-z0-9]{32}$/)
  assert.ok(app.client_secret.length >= 48)
  const { data: api } = await management.resourceServers.create({ name: 'Till API', identifier: 'https://till.example', scopes: [{ value: 'open:till' }] })
  assert.equal(api.signing_alg, 'RS256')
  assert.equal((await management.resourceServers.get({ id: api.id })).data.identifier, 'https://till.example')
  const { data: grant } = await management.clientGrants.create({ client_id: app.client_id, audience: api.identifier, scope: ['open:till'] })
  const till = new AuthenticationClient({ domain: s.domain, clientId: app.client_id, clientSecret: app.client_secret })
  const { data: token } = await till.oauth.clientCredentialsGrant({ audience: api.identifier })
  assert.equal(claims(token.access_token).scope, 'open:till')
  await management.clientGrants.delete({ id: grant.id })
  await assert.rejects(till.oauth.clientCredentialsGrant({ audience: api.identifier }), refused(403, 'access_denied', /not authorized to access/))
  const { data: rotated } = await management.clients.rotateClientSecret({ client_id: app.client_id })
  assert.notEqual(rotated.client_secret, app.client_secret)
  const { data: connection } = await management.connections.create({ name: 'staff', strategy: 'auth0', enabled_clients: [app.client_id] })
  assert.equal(connection.options.passwordPolicy, 'good')
  assert.deepEqual((await management.connections.update({ id: connection.id }, { enabled_clients: [] })).data.enabled_clients, [])
  await management.connections.delete({ id: connection.id })
  await management.resourceServers.delete({ id: api.id })
  await management.clients.delete({ client_id: app.client_id })
  await assert.rejects(management.clients.get({ client_id: app.client_id }), refused(404, 'inexistent_client', /The client does not exist/))
})

test('management: errors are those of Auth0', async () => {
  await assert.rejects(management.users.create({ connection: s.connection, email: s.ada.email, password: 'Bridge-Lamp-Otter-7' }),
    refused(409, 'auth0_idp_error', /^The user already exists\.$/))
  await assert.rejects(management.clients.create({ name: 'x', callbacks: 'http://localhost' }), refused(400, 'invalid_body', /^Payload validation error: .*callbacks/))
  await assert.rejects(management.users.update({ id: s.ada.sub }, { user_id: 'auth0|admin' }), refused(400, 'invalid_body', /Additional properties not allowed: user_id/))
  const { data } = await auth.oauth.passwordGrant({ username: s.ada.email, password: s.ada.password, realm: s.connection, audience: s.audience })
  const intruder = new ManagementClient({ domain: s.domain, token: data.access_token })
  await assert.rejects(intruder.clients.getAll(), (err) => err.statusCode === 401)
})

test('management: a token without the scope', async () => {
  const { data: app } = await management.clients.create({ name: 'Reader', app_type: 'non_interactive', grant_types: ['client_credentials'] })
  await management.clientGrants.create({ client_id: app.client_id, audience: s.issuer + 'api/v2/', scope: ['read:users'] })
  const reader = new ManagementClient({ domain: s.domain, clientId: app.client_id, clientSecret: app.client_secret })
  assert.ok((await reader.users.getAll()).data.length > 0)
  await assert.rejects(reader.clients.getAll(), refused(403, 'insufficient_scope', /Insufficient scope, expected any of: .*read:clients/))
})

test("the generator's set-up, twice: the second time finds everything", async () => {
  const { data: token } = await new AuthenticationClient({ domain: s.domain, clientId: s.manager, clientSecret: s.secret })
    .oauth.clientCredentialsGrant({ audience: s.issuer + 'api/v2/' })
  const options = { identifier: s.issuer + 'api/v2/', accessToken: token.access_token, audience: 'http://localhost:3001' }
  const first = await setUp(ManagementClient, options)
  assert.deepEqual(first.made, ['client', 'api', 'action'])
  const second = await setUp(ManagementClient, options)
  assert.deepEqual(second.made, [])
  assert.equal(second.clientID, first.clientID)
  assert.equal(first.issuerURL, s.issuer)
  const { data } = await management.actions.getTriggerBindings({ triggerId: 'post-login' })
  assert.deepEqual(data.bindings.map((b) => b.display_name), ['Add user details to user response'])

  // What it set up is what its clients see: the profile in the access token.
  const { data: grant } = await auth.oauth.passwordGrant({
    username: s.ada.email, password: s.ada.password, realm: s.connection, audience: 'http://localhost:3001',
  })
  const { user } = claims(grant.access_token)
  assert.equal(user.email, s.ada.email)
  assert.equal(user.user_id, s.ada.sub)
  assert.equal(user.email_verified, true)
})
