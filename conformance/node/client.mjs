// The client in TypeScript that a plugin writes: its types, and what it does with a
// service that runs.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'

const s = JSON.parse(process.argv[2])
const tsc = (dir, ...args) => spawnSync(process.execPath, [join(import.meta.dirname, 'node_modules/typescript/bin/tsc'), '-p', dir, ...args], { encoding: 'utf8' })

// One project checks all clients: to start the compiler takes longer than to check one.
test('the types of all designs compile strictly', () => {
  const options = JSON.parse(readFileSync(join(s.clients, 'used', 'tsconfig.json'), 'utf8')).compilerOptions
  writeFileSync(join(s.clients, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...options, rootDir: '.', noEmit: true }, include: ['*/src'] }))
  assert.ok(readdirSync(s.clients).length > 15)
  const run = tsc(s.clients)
  assert.equal(run.status, 0, run.stdout)
})

writeFileSync(join(s.clients, 'used', 'src', 'uses.ts'), `
import { createClient, type Item } from './index.gen.ts'
const api = createClient({ url: 'http://localhost' })
export async function right(): Promise<void> {
  const page = await api.items.find({ price: { $gte: 4.5 }, $or: [{ name: 'Figs' }, { name: { $startsWith: 'Wa' } }], $sort: { price: -1 }, $limit: 5, $select: ['id', 'name'] })
  const name: string | undefined = page.data[0]?.name
  const item: Item = await api.items.create({ name: name ?? 'Figs', price: 6.5 })
  await api.items.patch(item.id, { description: null }, { version: item.version })
  await api.users.create({ email: 'a@b.example', password: 'x', roles: ['menu-admin'] })
  await api.items.count({ $or: [{ name: 'Figs' }, { price: { $lt: 3 } }], $not: { name: 'Wax' }, $search: 'figs' })
  for await (const all of api.items.each({ $search: 'figs', $sort: { price: 1 }, $limit: 5, $select: ['id'] })) console.log(all.id)
  await api.auth.logIn({ email: 'a@b.example', password: 'x' })
}
export async function wrong(): Promise<void> {
  // @ts-expect-error there is no such field
  await api.items.find({ nmae: 'Figs' })
  // @ts-expect-error a price is a number
  await api.items.find({ price: { $lt: 'ten' } })
  // @ts-expect-error rows are not sorted by it
  await api.users.find({ $sort: { roles: 1 } })
  // @ts-expect-error a dish has a price
  await api.items.create({ name: 'Figs' })
  // @ts-expect-error the service counts versions
  await api.items.create({ name: 'Figs', price: 1, createdAt: '' })
  // @ts-expect-error nobody reads a password
  console.log((await api.users.get('1')).password)
  // @ts-expect-error it was not asked for
  console.log((await api.items.find({ $select: ['name'] })).data[0]?.price)
  // @ts-expect-error all rows have no page to begin with
  api.items.each({ $skip: 10 })
  // @ts-expect-error they have a cursor of their own
  api.items.each({ $after: '' })
  // @ts-expect-error and one direction
  api.items.each({ $before: '' })
  // @ts-expect-error they are not counted
  api.items.each({ $total: true })
  // @ts-expect-error a number has no order
  await api.items.count({ $sort: { price: 1 } })
  // @ts-expect-error there is no such role
  await api.users.patch('1', { roles: ['cook'] })
}
`)
const used = tsc(join(s.clients, 'used'))
test('the types say what is right and what is wrong', () => { assert.equal(used.status, 0, used.stdout) })

const { createClient, ApiError } = await import(pathToFileURL(join(s.clients, 'used', 'dist', 'index.gen.js')))
const boss = { email: s.login, password: s.password }
const refusal = (status, code, fields = {}) => (err) => {
  assert.ok(err instanceof ApiError, String(err))
  assert.deepEqual({ status: err.status, code: err.code, fields: err.fields }, { status, code, fields })
  return true
}

test('rows are made, found, changed and removed', async () => {
  const api = createClient({ url: s.url })
  await assert.rejects(api.items.create({ name: 'Figs', price: 1 }), refusal(401, 'not-authenticated'))
  const account = await api.auth.logIn(boss)
  assert.equal(account.email, s.login)
  const soup = await api.items.create({ name: 'Soup & "salt"', price: 4.5 })
  const again = { idempotencyKey: 'one-steak-' + Date.now() }
  const steak = await api.items.create({ name: 'Steak', price: 24 }, again)
  assert.equal((await api.items.create({ name: 'Steak', price: 24 }, again)).id, steak.id)
  const page = await api.items.find({ name: { $in: ['Soup & "salt"', 'Steak'] }, $sort: { price: -1 }, $select: ['name', 'price'] })
  assert.deepEqual(page, { total: 2, limit: 25, skip: 0, data: [{ id: steak.id, name: 'Steak', price: 24 }, { id: soup.id, name: 'Soup & "salt"', price: 4.5 }] })
  assert.equal(await api.items.count({ description: null }), 2)
  assert.equal(await api.items.count({ $or: [{ name: 'Steak' }, { price: { $lt: 1 } }], $not: { name: 'Figs' } }), 1)
  const all = []
  for await (const item of api.items.each({ $limit: 1, $sort: { name: 1 } })) all.push(item.name)
  assert.deepEqual(all, ['Soup & "salt"', 'Steak'])
  const changed = await api.items.patch(soup.id, { description: 'Hot' }, { version: soup.version })
  assert.deepEqual([changed.description, changed.version], ['Hot', soup.version + 1])
  await assert.rejects(api.items.patch(soup.id, { description: 'Cold' }, { version: soup.version }), refusal(412, 'precondition-failed'))
  assert.equal((await api.items.update(soup.id, { name: 'Soup', price: 5 })).description, null)
  assert.equal((await api.items.remove(steak.id)).id, steak.id)
  await assert.rejects(api.items.get(steak.id), refusal(404, 'not-found'))
  await api.items.remove(soup.id)
  await api.auth.logOut()
})

test('no condition vanishes', async () => {
  const sent = []
  const api = createClient({ url: s.url, fetch: async (url) => { sent.push(url); return Response.json([]) } })
  for (const where of [{ name: 'Figs', id: { $in: [] } }, { name: 'Figs', $or: [] }, { name: 'Figs', $not: {} }]) {
    await assert.rejects(api.items.removeMany(where), TypeError)
    await assert.rejects(api.items.patchMany(where, { price: 1 }), TypeError)
    await assert.rejects(api.items.find(where), TypeError)
  }
  for (const where of [{ name: 'Figs', id: undefined }, { name: 'Figs', price: { $lt: undefined } }, { $or: [{ name: 'Figs', id: undefined }] }]) {
    await assert.rejects(api.items.removeMany(where), TypeError)
    await assert.rejects(api.items.patchMany(where, { price: 1 }), TypeError)
  }
  assert.deepEqual(sent, [])
  await api.items.find({ name: undefined, $sort: {}, $select: [] })
  await api.items.removeMany({ name: null })
  assert.deepEqual(sent, [s.url + '/api/items', s.url + '/api/items?name%5B%24null%5D=true'])
})

test('what is wrong is told for each field', async () => {
  const api = createClient({ url: s.url })
  await api.auth.logIn(boss)
  await assert.rejects(api.items.create({ name: 'x'.repeat(101), price: -1 }), (err) => {
    assert.deepEqual(Object.keys(err.fields).toSorted(), ['name', 'price'])
    assert.deepEqual(err.problems.map((p) => p.code).toSorted(), ['too_long', 'too_small'])
    return refusal(400, 'bad-request', err.fields)(err)
  })
  await api.auth.logOut()
})

test('a service that does not answer, and an answer that is none of it', async () => {
  await assert.rejects(createClient({ url: 'http://127.0.0.1:1' }).items.find(), refusal(0, 'unreachable'))
  const html = async () => new Response('<h1>busy</h1>', { status: 503, headers: { 'Retry-After': '7' } })
  await assert.rejects(createClient({ url: s.url, fetch: html }).items.find(), (err) => err.retryAfter === 7 && refusal(503, 'error')(err))
})

// counting sends requests on, and counts those that renew a token.
function counting() {
  const asked = { renewed: 0, refuse: false, hold: undefined }
  asked.fetch = async (url, init) => {
    const renews = init.method === 'POST' && url.endsWith('/api/authentication') && init.body.includes('refreshToken')
    if (renews) {
      const answer = await fetch(url, init)
      asked.renewed++
      await asked.hold
      if (asked.down) throw new TypeError('network')
      return answer
    }
    if (asked.refuse && init.headers.Authorization === asked.refuse) {
      return Response.json({ className: 'not-authenticated', message: 'expired' }, { status: 401 })
    }
    return fetch(url, init)
  }
  return asked
}

test('an expired token is renewed once for all requests', async () => {
  const asked = counting()
  const api = createClient({ url: s.url, fetch: asked.fetch })
  await api.auth.logIn(boss)
  for (const round of [1, 2]) {
    asked.refuse = api.auth.authorization()
    const pages = await Promise.all(Array.from({ length: 8 }, () => api.users.find()))
    assert.ok(pages.every((p) => p.total === 1))
    assert.equal(asked.renewed, round)
  }
  assert.ok(api.auth.loggedIn)
  await api.auth.logOut()
})

test('who logs out while a token is renewed stays logged out', async () => {
  const asked = counting()
  const api = createClient({ url: s.url, fetch: asked.fetch })
  await api.auth.logIn(boss)
  asked.refuse = api.auth.authorization()
  let go
  asked.hold = new Promise((resolve) => { go = resolve })
  const find = assert.rejects(api.users.find(), refusal(401, 'not-authenticated'))
  while (asked.renewed === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  asked.refuse = false
  await api.auth.logOut()
  go()
  await find
  assert.equal(api.auth.loggedIn, false)
})

test('who was logged out elsewhere is logged out here', async () => {
  const api = createClient({ url: s.url })
  const told = []
  api.auth.onChange((loggedIn) => told.push(loggedIn))
  await api.auth.logIn(boss)
  const gone = await fetch(s.url + '/api/authentication', { method: 'DELETE', headers: { Authorization: api.auth.authorization() } })
  assert.equal(gone.status, 200)
  await assert.rejects(api.users.find(), refusal(401, 'not-authenticated'))
  assert.deepEqual(told, [true, false])
})

test('without an answer nobody is logged out', async () => {
  const asked = counting()
  const api = createClient({ url: s.url, fetch: asked.fetch })
  await api.auth.logIn(boss)
  asked.refuse = api.auth.authorization()
  asked.down = true
  await assert.rejects(api.users.find(), refusal(0, 'unreachable'))
  assert.ok(api.auth.loggedIn)
  asked.refuse = false
  await api.auth.logOut()
})
