// The official Feathers REST client, as an application uses it, against the
// service at config.url. Prints one line for each step that held, and ends with 1
// at the first that did not.
import assert from 'node:assert/strict'
import { feathers } from '@feathersjs/feathers'
import restClient from '@feathersjs/rest-client'
import authentication, { MemoryStorage } from '@feathersjs/authentication-client'

// {url, email, password, weak, find, create, data}: who may do everything below,
// somebody who may not find, a service to find and get from, one to create in.
const config = JSON.parse(process.argv[2])

const newClient = () => {
  const app = feathers()
  app.configure(restClient(config.url).fetch(fetch))
  app.configure(authentication({ storage: new MemoryStorage() })) // the default is one for all clients
  return app
}

const step = async (name, run) => {
  try {
    await run()
    console.log(`ok ${name}`)
  } catch (error) {
    console.log(`not ok ${name}: ${error.stack}`)
    process.exit(1)
  }
}

const refused = async (promise, code, name) => {
  const error = await promise.then(
    (result) => assert.fail(`was let in: ${JSON.stringify(result)}`),
    (error) => error
  )
  assert.equal(error.code, code, error.message)
  assert.equal(error.name, name)
  assert.equal(error.className, name.replace(/(?!^)([A-Z])/g, '-$1').toLowerCase())
  return error
}

const ask = (method, path, headers = {}, body) =>
  fetch(`${config.url}/${path}`, { method, headers: { 'Content-Type': 'application/json', ...headers }, body })

const app = newClient()
const credentials = { strategy: 'local', email: config.email, password: config.password }
const rows = (page) => (Array.isArray(page) ? page : page.data)
let token

await step('a guarded service refuses strangers', async () => {
  const error = await refused(app.service(config.find).find(), 401, 'NotAuthenticated')
  assert.equal(error.message, 'Not authenticated')
})

await step('reAuthenticate without a token asks nobody', async () => {
  const error = await refused(app.reAuthenticate(), 401, 'NotAuthenticated')
  assert.equal(error.message, 'No accessToken found in storage')
})

await step('a wrong password and an unknown user are the same refusal', async () => {
  const wrong = await refused(app.authenticate({ ...credentials, password: 'not the password at all' }), 401, 'NotAuthenticated')
  const unknown = await refused(app.authenticate({ ...credentials, email: 'nobody@kitchen.example' }), 401, 'NotAuthenticated')
  assert.equal(wrong.message, 'Invalid login')
  assert.equal(unknown.message, 'Invalid login')
  assert.deepEqual(wrong.data, unknown.data)
  assert.equal(await app.authentication.getAccessToken(), null)
})

await step('no strategy, and one that is not allowed', async () => {
  const none = await refused(app.authenticate({ email: config.email }), 401, 'NotAuthenticated')
  assert.equal(none.message, 'Invalid authentication information (no `strategy` set)')
  const other = await refused(app.authenticate({ strategy: 'github', profile: { id: 1 } }), 401, 'NotAuthenticated')
  assert.equal(other.message, 'Invalid authentication information (strategy not allowed in authStrategies)')
})

await step('authenticate logs in', async () => {
  let event
  app.on('login', (result) => (event = result))
  const result = await app.authenticate(credentials)
  token = result.accessToken
  assert.equal(token.split('.').length, 3)
  assert.equal(result.authentication.strategy, 'local')
  assert.equal(result.authentication.payload.sub, String(result.user.id))
  assert.ok(result.authentication.payload.exp > result.authentication.payload.iat)
  assert.equal(result.user.email, config.email)
  assert.equal(result.user.password, undefined)
  assert.equal(event.accessToken, token)
  assert.equal(await app.authentication.getAccessToken(), token)
})

await step('the result has its members in the order of the contract', async () => {
  const response = await ask('POST', 'authentication', {}, JSON.stringify(credentials))
  assert.equal(response.status, 201)
  assert.deepEqual(Object.keys(await response.json()).slice(0, 3), ['accessToken', 'authentication', 'user'])
})

await step('guarded create, find and get', async () => {
  const created = await app.service(config.create).create(config.data)
  assert.ok(created.id)
  const found = rows(await app.service(config.find).find())
  assert.ok(found.length > 0)
  const one = await app.service(config.find).get(found[0].id)
  assert.equal(one.id, found[0].id)
})

await step('what is not there is 404, and the token is kept', async () => {
  await refused(app.service(config.find).get('00000000-0000-7000-8000-000000000000'), 404, 'NotFound')
  assert.equal(await app.authentication.getAccessToken(), token)
})

await step('somebody else without the permission is 403', async () => {
  const other = newClient()
  await other.authenticate({ ...credentials, ...config.weak })
  await refused(other.service(config.find).find(), 403, 'Forbidden')
})

await step('reAuthenticate answers the same token', async () => {
  const cached = await app.reAuthenticate()
  assert.equal(cached.accessToken, token)
  const result = await app.reAuthenticate(true)
  assert.equal(result.accessToken, token)
  assert.equal(result.authentication.strategy, 'jwt')
  assert.equal(result.authentication.accessToken, token)
  assert.equal(result.user.email, config.email)
})

await step('a second client with the stored token is the same person', async () => {
  const again = newClient()
  await again.authentication.setAccessToken(token)
  const result = await again.reAuthenticate()
  assert.equal(result.user.email, config.email)
  assert.ok(rows(await again.service(config.find).find()).length > 0)
})

await step('methods that the service has not got are 405', async () => {
  const find = await refused(app.service('authentication').find(), 405, 'MethodNotAllowed')
  assert.equal(find.message, 'Method `find` is not supported by this endpoint.')
  for (const [call, name] of [
    [() => app.service('authentication').get('x'), 'get'],
    [() => app.service('authentication').update('x', {}), 'update'],
    [() => app.service('authentication').patch('x', {}), 'patch']
  ]) {
    const error = await refused(call(), 405, 'MethodNotAllowed')
    assert.equal(error.message, `Method \`${name}\` is not supported by this endpoint.`)
  }
  const custom = await ask('POST', 'authentication', { 'X-Service-Method': 'createAccessToken' }, '{"payload":{}}')
  assert.equal(custom.status, 405)
})

await step('lax headers are refused', async () => {
  const ok = await ask('GET', config.find, { Authorization: `Bearer ${token}` })
  assert.equal(ok.status, 200)
  for (const header of [`Bearer: ${token}`, `XBearerX ${token}`, `Bearer ${token} junk`, `JWT ${token}`, token, 'Bearer', `Basic ${token}`]) {
    const response = await ask('GET', config.find, { Authorization: header })
    assert.ok([400, 401].includes(response.status), `${header.slice(0, 12)}… is ${response.status}`)
    const error = await response.json()
    assert.equal(error.code, response.status)
  }
})

await step('a token that is no token is 401, and leaves the storage', async () => {
  const other = newClient()
  await other.authentication.setAccessToken('not.a.token')
  await refused(other.reAuthenticate(), 401, 'NotAuthenticated')
  assert.equal(await other.authentication.getAccessToken(), null)
})

await step('logout ends the session', async () => {
  let event
  app.on('logout', (result) => (event = result))
  const result = await app.logout()
  assert.equal(result.accessToken, token)
  assert.equal(event.accessToken, token)
  assert.equal(await app.authentication.getAccessToken(), null)
  assert.equal(app.authentication.authenticated, false)
  await refused(app.service(config.find).find(), 401, 'NotAuthenticated')
})

await step('the token is dead, and logout with it is no error for the client', async () => {
  const response = await ask('GET', config.find, { Authorization: `Bearer ${token}` })
  assert.equal(response.status, 401)
  assert.match(response.headers.get('WWW-Authenticate'), /^Bearer /)
  await app.authentication.setAccessToken(token)
  await refused(app.reAuthenticate(true), 401, 'NotAuthenticated')
  assert.equal(await app.authentication.getAccessToken(), null)
  assert.equal(await app.logout(), null)
})

await step('logout by the token in the path', async () => {
  const { accessToken } = await app.authenticate(credentials)
  const other = newClient()
  await other.authenticate(credentials)
  const error = await refused(other.service('authentication').remove(accessToken), 401, 'NotAuthenticated')
  assert.equal(error.message, 'Invalid access token')
  assert.equal((await app.service('authentication').remove(accessToken)).accessToken, accessToken)
  await refused(app.service(config.find).find(), 401, 'NotAuthenticated')
})

console.log('done')
