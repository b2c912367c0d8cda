// passport-jwt and jwks-rsa in NestJS, as the restaurant tutorial has them:
// the strategy in tutorial/ is the tutorial's.
import assert from 'node:assert/strict'
import test from 'node:test'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import ts from 'typescript'
import { listen, scenario as s } from './lib/browser.mjs'
import { token, userToken } from './lib/tenant.mjs'

process.env.AUTH0_ISSUER_URL = s.issuer
process.env.AUTH0_AUDIENCE = s.audience

// service compiles the tutorial's code and serves it; ask requests it.
async function service(t) {
  const [from, to] = ['tutorial', path.join('node_modules', '.tutorial-' + Math.random().toString(36).slice(2))]
  await mkdir(to)
  await writeFile(path.join(to, 'package.json'), '{"type":"commonjs"}')
  for (const file of await readdir(from)) {
    const { outputText } = ts.transpileModule(await readFile(path.join(from, file), 'utf8'), {
      compilerOptions: { target: 'ES2022', module: 'CommonJS', experimentalDecorators: true, emitDecoratorMetadata: true, esModuleInterop: true },
    })
    await writeFile(path.join(to, file.replace(/\.ts$/, '.js')), outputText)
  }
  const { create } = createRequire(import.meta.url)(path.resolve(to, 'main.js'))
  const base = await listen(t, await create())
  return async (method, where, jwt) => {
    const res = await fetch(base + where, {
      method, body: method === 'GET' ? undefined : JSON.stringify({ item: { name: 'Salad' } }),
      headers: { 'content-type': 'application/json', origin: 'http://localhost:4040', ...(jwt && { authorization: `Bearer ${jwt}` }) },
    })
    const text = await res.text()
    return { status: res.status, body: text && JSON.parse(text), headers: res.headers }
  }
}
const fetches = async () => Number(await (await fetch(s.url + '/jwks-fetches')).text())

test('reading needs no token, writing does', async (t) => {
  const ask = await service(t)
  const items = await ask('GET', '/items')
  assert.equal(items.status, 200)
  assert.equal(items.headers.get('access-control-allow-origin'), '*')
  for (const [method, where] of [['POST', '/items'], ['PUT', '/items'], ['DELETE', '/items/1']]) {
    const { status, body } = await ask(method, where)
    assert.equal(status, 401)
    assert.deepEqual(body, { message: 'Unauthorized', statusCode: 401 })
  }
})

test('a token of a person writes, and the payload is the user', async (t) => {
  const ask = await service(t)
  const { status, body } = await ask('POST', '/items', await userToken(s.ada, { scope: 'openid' }))
  assert.equal(status, 201)
  assert.equal(body.user.sub, s.ada.sub)
  assert.deepEqual(body.user.permissions.toSorted(), ['create:items', 'delete:items', 'update:items'])
  assert.equal((await ask('DELETE', '/items/1', await token())).status, 204)
})

test('a token for another API, an opaque one and a changed one', async (t) => {
  const ask = await service(t)
  const good = await token()
  for (const bad of [
    await token(s.issuer + 'api/v2/', s.manager), await userToken(s.ada, { audience: undefined, scope: 'openid' }), good.slice(0, -8) + 'AAAAAAAA',
  ]) {
    const { status, body } = await ask('POST', '/items', bad)
    assert.equal(status, 401)
    assert.deepEqual(body, { message: 'Unauthorized', statusCode: 401 })
  }
})

test('keys are cached; a flood of unknown keys fetches five times a minute', async (t) => {
  const ask = await service(t)
  const good = await token()
  const before = await fetches()
  for (let i = 0; i < 5; i++) assert.equal((await ask('POST', '/items', good)).status, 201)
  assert.equal(await fetches(), before + 1)
  for (let i = 0; i < 20; i++) {
    const head = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: 'unknown' + i })).toString('base64url')
    assert.equal((await ask('POST', '/items', head + good.slice(good.indexOf('.')))).status, 401)
  }
  assert.ok(await fetches() <= before + 5, `${await fetches() - before} fetches`)
  assert.equal((await ask('POST', '/items', good)).status, 201)
})
