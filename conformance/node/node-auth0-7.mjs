// node-auth0 7 for management, and auth0-auth-js, to which its authentication
// part has moved.
import assert from 'node:assert/strict'
import test from 'node:test'
import { AuthClient } from '@auth0/auth0-auth-js'
import { ManagementClient, ManagementError } from 'auth0'
import { Browser, claims, scenario as s } from './lib/browser.mjs'

const management = new ManagementClient({ domain: s.domain, clientId: s.manager, clientSecret: s.secret })
const clientOf = (clientId, more = {}) => new AuthClient({ domain: s.domain, clientId, clientSecret: s.secret, ...more })
const web = clientOf(s.web, { authorizationParams: { redirect_uri: s.callback } })
const realm = (more = {}) => web.getTokenByPassword({
  username: s.ada.email, password: s.ada.password, realm: s.connection, audience: s.audience, scope: 'openid email offline_access', ...more,
})
const refused = (statusCode, errorCode, message) => (err) => {
  assert.ok(err instanceof ManagementError, err.stack)
  assert.equal(err.statusCode, statusCode, err.stack)
  assert.equal(err.body.errorCode, errorCode)
  assert.match(err.body.message, message)
  return true
}
const collect = async (page) => {
  const all = []
  for await (const item of await page) all.push(item)
  return all
}

test('the code flow, silent because of the session the second time', async () => {
  const browser = new Browser()
  const begin = await web.buildAuthorizationUrl({ authorizationParams: { scope: 'openid email offline_access', audience: s.audience } })
  const back = await browser.login(begin.authorizationUrl.href, s.ada, { stop: s.callback })
  const tokens = await web.getTokenByCode(new URL(back.url), { codeVerifier: begin.codeVerifier })
  assert.equal(tokens.claims.sub, s.ada.sub)
  assert.deepEqual(claims(tokens.accessToken).permissions.toSorted(), ['create:items', 'delete:items', 'update:items'])
  await assert.rejects(web.getTokenByCode(new URL(back.url), { codeVerifier: begin.codeVerifier }),
    { name: 'TokenByCodeError' })
  const again = await web.buildAuthorizationUrl({ authorizationParams: { scope: 'openid', prompt: 'none' } })
  const silent = await browser.open(again.authorizationUrl.href, { stop: s.callback })
  assert.equal((await web.getTokenByCode(new URL(silent.url), { codeVerifier: again.codeVerifier })).claims.sub, s.ada.sub)
  const leave = await web.buildLogoutUrl({ returnTo: s.logoutURL })
  const question = await browser.open(leave.href, { stop: s.logoutURL }) // no hint: anybody could have sent the person here
  assert.equal(question.status, 200)
  assert.equal((await browser.submit(question, {}, { stop: s.logoutURL })).url, s.logoutURL)
  const elsewhere = await web.buildLogoutUrl({ returnTo: 'https://elsewhere.example/' })
  assert.equal((await browser.open(elsewhere.href)).status, 400)
})

test('password-realm grant, userinfo, refresh, revocation', async () => {
  const tokens = await realm()
  assert.equal(tokens.claims.email, s.ada.email)
  assert.equal((await web.getUserInfo({ accessToken: tokens.accessToken, expectedSubject: s.ada.sub })).email, s.ada.email)
  const next = await web.getTokenByRefreshToken({ refreshToken: tokens.refreshToken })
  assert.equal(next.claims.sub, s.ada.sub)
  await web.revokeToken({ token: next.refreshToken })
  await assert.rejects(web.getTokenByRefreshToken({ refreshToken: next.refreshToken }), (err) => {
    assert.equal(err.cause.error, 'invalid_grant')
    assert.match(err.cause.error_description, /invalid refresh token/)
    return true
  })
  await assert.rejects(realm({ password: 'Wrong-Tin-Otter-1' }), (err) => err.cause.error === 'invalid_grant')
})

test('client credentials, with a secret and with a signature', async () => {
  const tokens = await clientOf(s.machine).getTokenByClientCredentials({ audience: s.audience })
  assert.equal(claims(tokens.accessToken).sub, s.machine + '@clients')
  await assert.rejects(clientOf(s.machine, { clientSecret: 'wrong' }).getTokenByClientCredentials({ audience: s.audience }),
    (err) => err.cause.error === 'access_denied')
  const signing = clientOf(s.signing, {
    clientSecret: undefined, clientAssertionSigningAlg: 'RS256',
    clientAssertionSigningKey: `-----BEGIN PRIVATE KEY-----\n${s.keys.RS256}\n-----END PRIVATE KEY-----`,
  })
  assert.equal(claims((await signing.getTokenByClientCredentials({ audience: s.audience })).accessToken).azp, s.signing)
})

test('sign-up and change of password', async () => {
  const user = await web.database.signUp({
    email: 'new@example.com', password: 'Bridge-Lamp-Otter-7', connection: s.connection, givenName: 'Nora', userMetadata: { plan: 'gold' },
  })
  assert.match(user.id, /^[0-9a-f]{24}$/)
  assert.equal(user.emailVerified, false)
  const stored = await management.users.get('auth0|' + user.id)
  assert.equal(stored.given_name, 'Nora')
  assert.deepEqual(stored.user_metadata, { plan: 'gold' })
  await assert.rejects(web.database.signUp({ email: 'new@example.com', password: 'Bridge-Lamp-Otter-7', connection: s.connection }),
    (err) => err.statusCode === 400)
  assert.match(await web.database.changePassword({ email: 'nobody@example.com', connection: s.connection }), /just sent you an email/)
})

test('users, roles and permissions', async () => {
  const user = await management.users.create({ connection: s.connection, email: 'cook@example.com', password: 'Bridge-Lamp-Otter-7' })
  const role = await management.roles.create({ name: 'cook', description: 'Cooks' })
  await management.roles.permissions.add(role.id, { permissions: [{ resource_server_identifier: s.audience, permission_name: 'update:items' }] })
  await management.users.roles.assign(user.user_id, { roles: [role.id] })
  await management.users.permissions.create(user.user_id, { permissions: [{ resource_server_identifier: s.audience, permission_name: 'delete:items' }] })
  const permissions = await collect(management.users.permissions.list(user.user_id))
  assert.deepEqual(permissions.map((p) => p.permission_name).toSorted(), ['delete:items', 'update:items'])
  assert.deepEqual((await collect(management.roles.users.list(role.id))).map((u) => u.user_id), [user.user_id])
  assert.deepEqual((await collect(management.users.roles.list(user.user_id))).map((r) => r.name), ['cook'])
  const tokens = await realm({ username: 'cook@example.com', password: 'Bridge-Lamp-Otter-7', scope: 'openid' })
  assert.deepEqual(claims(tokens.accessToken).permissions.toSorted(), ['delete:items', 'update:items'])

  await management.users.update(user.user_id, { blocked: true })
  await assert.rejects(realm({ username: 'cook@example.com', password: 'Bridge-Lamp-Otter-7' }), (err) => err.cause.error === 'invalid_grant')
  await management.users.delete(user.user_id)
  await assert.rejects(management.users.get(user.user_id), refused(404, 'inexistent_user', /^The user does not exist\.$/))
  assert.deepEqual(await collect(management.roles.users.list(role.id)), [])
})

test('every page is read: users by number, roles by number, clients and connections', async () => {
  for (let i = 0; i < 5; i++) {
    await management.users.create({ connection: s.connection, email: `guest${i}@paging.example`, password: 'Bridge-Lamp-Otter-7' })
    await management.roles.create({ name: `role${i}` })
    await management.clients.create({ name: `client${i}`, app_type: 'spa' })
    await management.connections.create({ name: `database${i}`, strategy: 'auth0' })
  }
  const emails = (await collect(management.users.list({ per_page: 2, q: 'email:*@paging.example', sort: 'email:1' }))).map((u) => u.email)
  assert.deepEqual(emails, [0, 1, 2, 3, 4].map((i) => `guest${i}@paging.example`))
  const names = async (page) => (await collect(page)).map((o) => o.name).filter((n) => /^(role|client|database)\d$/.test(n)).toSorted()
  assert.deepEqual(await names(management.roles.list({ per_page: 2 })), [0, 1, 2, 3, 4].map((i) => `role${i}`))
  assert.deepEqual(await names(management.clients.list({ per_page: 2 })), [0, 1, 2, 3, 4].map((i) => `client${i}`))
  assert.deepEqual(await names(management.connections.list({ take: 2 })), [0, 1, 2, 3, 4].map((i) => `database${i}`))
})

test('clients, APIs, grants and connections', async () => {
  const app = await management.clients.create({ name: 'Till', app_type: 'non_interactive', grant_types: ['client_credentials'] })
  const api = await management.resourceServers.create({
    name: 'Till API', identifier: 'https://till.example', scopes: [{ value: 'open:till' }], token_dialect: 'rfc9068_profile',
  })
  const grant = await management.clientGrants.create({ client_id: app.client_id, audience: api.identifier, scope: ['open:till'] })
  const till = new AuthClient({ domain: s.domain, clientId: app.client_id, clientSecret: app.client_secret })
  const tokens = await till.getTokenByClientCredentials({ audience: api.identifier })
  assert.equal(claims(tokens.accessToken).client_id, app.client_id)
  assert.equal(typeof claims(tokens.accessToken).jti, 'string')
  assert.deepEqual((await collect(management.clientGrants.list({ client_id: app.client_id }))).map((g) => g.id), [grant.id])
  await management.clientGrants.delete(grant.id)
  await assert.rejects(till.getTokenByClientCredentials({ audience: api.identifier }), (err) => err.cause.error === 'access_denied')
  const connection = await management.connections.create({ name: 'staff', strategy: 'auth0' })
  await management.connections.clients.update(connection.id, [{ client_id: app.client_id, status: true }])
  assert.deepEqual((await collect(management.connections.clients.get(connection.id))).map((c) => c.client_id), [app.client_id])
  assert.equal((await management.resourceServers.get(encodeURIComponent('https://till.example')).catch(() => management.resourceServers.get(api.id))).id, api.id)
  await management.clients.update(app.client_id, { callbacks: ['http://localhost:9/cb'] })
  assert.deepEqual((await management.clients.get(app.client_id)).callbacks, ['http://localhost:9/cb'])
  await management.clients.delete(app.client_id)
  await assert.rejects(management.clients.get(app.client_id), refused(404, 'inexistent_client', /^The client does not exist/))
})

test('an action: create, wait until it is built, deploy, bind', async () => {
  let action = await management.actions.create({
    name: 'Greet', runtime: 'node22', supported_triggers: [{ id: 'post-login', version: 'v3' }], secrets: [{ name: 'WORD', value: 'hello' }],
    code: `exports.onExecutePostLogin = async (event, api) => {
      if (event.user.email.endsWith('@refused.example')) return api.access.deny('not from there')
      api.idToken.setCustomClaim('https://restaurant.example/greeting', event.secrets.WORD + ' ' + event.user.email)
    }`,
  })
  for (let i = 0; action.status !== 'built' && i < 50; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    action = await management.actions.get(action.id)
  }
  assert.equal(action.status, 'built')
  assert.equal(action.secrets[0].value, undefined)
  const version = await management.actions.deploy(action.id)
  assert.equal(version.number, 1)
  await management.actions.triggers.bindings.updateMany('post-login', { bindings: [{ ref: { type: 'action_id', value: action.id }, display_name: 'Greet' }] })
  const bound = await collect(management.actions.triggers.bindings.list('post-login'))
  assert.deepEqual(bound.map((b) => b.action.name), ['Greet'])
  const tokens = await realm({ scope: 'openid' })
  assert.equal(tokens.claims['https://restaurant.example/greeting'], 'hello ' + s.ada.email)
  await management.users.create({ connection: s.connection, email: 'eve@refused.example', password: 'Bridge-Lamp-Otter-7' })
  await assert.rejects(realm({ username: 'eve@refused.example', password: 'Bridge-Lamp-Otter-7' }), (err) => {
    assert.equal(err.cause.error, 'access_denied')
    assert.equal(err.cause.error_description, 'not from there')
    return true
  })
  await assert.rejects(management.actions.delete(action.id), (err) => err.statusCode >= 400 && err.statusCode < 500)
  await management.actions.triggers.bindings.updateMany('post-login', { bindings: [] })
  await management.actions.delete(action.id)
})

test('sessions, logs and signing keys', async () => {
  const browser = new Browser()
  const { authorizationUrl } = await web.buildAuthorizationUrl({ authorizationParams: { scope: 'openid' } })
  await browser.login(authorizationUrl.href, s.ada, { stop: s.callback })
  assert.ok((await collect(management.users.sessions.list(s.ada.sub))).length > 0)
  await management.users.sessions.delete(s.ada.sub)
  const logs = await collect(management.logs.list({ per_page: 100, q: 'type:s' }))
  assert.ok(logs.some((l) => l.user_id === s.ada.sub && l.client_id === s.web), JSON.stringify(logs[0]))
  const before = await management.keys.signing.list()
  assert.equal(before.filter((k) => k.current).length, 1)
  const { kid } = await management.keys.signing.rotate() // signs once it has been published for long enough
  assert.equal(kid, before.find((k) => k.next).kid)
  assert.equal((await realm({ scope: 'openid' })).claims.sub, s.ada.sub)
})

test('what is wrong is said as Auth0 says it', async () => {
  await assert.rejects(management.users.create({ connection: s.connection, email: s.ada.email, password: 'Bridge-Lamp-Otter-7' }),
    refused(409, 'auth0_idp_error', /^The user already exists\.$/))
  await assert.rejects(management.resourceServers.create({ name: 'Twice', identifier: s.audience }),
    refused(409, undefined, /^A resource server with the same identifier already exists\.$/))
  await assert.rejects(management.roles.get('rol_0000000000000000'), refused(404, undefined, /^The role does not exist\.$/))
  const { accessToken } = await realm({ scope: 'openid' })
  await assert.rejects(new ManagementClient({ domain: s.domain, token: accessToken }).users.list(), (err) => err.statusCode === 401)
  const app = await management.clients.create({ name: 'Reader', app_type: 'non_interactive', grant_types: ['client_credentials'] })
  await management.clientGrants.create({ client_id: app.client_id, audience: s.issuer + 'api/v2/', scope: ['read:users'] })
  const reader = new ManagementClient({ domain: s.domain, clientId: app.client_id, clientSecret: app.client_secret })
  await assert.rejects(reader.roles.list(), refused(403, 'insufficient_scope', /^Insufficient scope, expected any of: read:roles$/))
})
