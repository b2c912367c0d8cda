// The client in TypeScript of a service that has GraphQL alone: the same methods, types
// and errors as over REST.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'

const s = JSON.parse(process.argv[2])
const tsc = spawnSync(process.execPath, [join(import.meta.dirname, 'node_modules/typescript/bin/tsc'), '-p', s.client], { encoding: 'utf8' })
assert.equal(tsc.status, 0, tsc.stdout)
const { createClient, ApiError } = await import(pathToFileURL(join(s.client, 'dist', 'index.gen.js')))
const boss = { email: s.login, password: s.password }
const refusal = (status, code, fields = {}) => (err) => {
  assert.ok(err instanceof ApiError, String(err))
  assert.deepEqual({ status: err.status, code: err.code, fields: err.fields }, { status, code, fields })
  return true
}
const names = (rows) => rows.map((row) => row.name)

const api = createClient({ url: s.url })
await api.auth.logIn(boss)
const shelf = await api.shelves.create({ name: 'Left' })
const row = (fields) => api.jars.create({ grams: 100, ...fields })

test('rows are made, found, changed and removed', async () => {
  await assert.rejects(createClient({ url: s.url }).jars.find(), refusal(401, 'not-authenticated'))
  const told = []
  const again = createClient({ url: s.url, recover: async ({ status }) => { told.push(status); return false } })
  await assert.rejects(again.jars.find(), refusal(401, 'not-authenticated'))
  assert.deepEqual(told, [401], 'who is not logged in may be asked to')
  assert.equal(typeof shelf.id, 'number')
  const figs = await row({ name: 'Figs & "salt"', price: 4.5, state: 'half-full', tags: ['very-hot', 'cold'], facts: { a: [1, 'half-full'] }, shelfId: shelf.id })
  assert.deepEqual([figs.state, figs.tags, figs.facts, figs.shelfId, figs.price], ['half-full', ['very-hot', 'cold'], { a: [1, 'half-full'] }, shelf.id, 4.5])
  const plums = await row({ name: 'Plums', price: 24, sealedOn: '2026-11-01' })
  const page = await api.jars.find({ name: { $in: ['Figs & "salt"', 'Plums'] }, $sort: { price: -1 }, $select: ['name', 'price'] })
  assert.deepEqual(page, { total: 2, limit: 25, skip: 0, data: [{ id: plums.id, name: 'Plums', price: 24 }, { id: figs.id, name: 'Figs & "salt"', price: 4.5 }] })
  assert.deepEqual(names((await api.jars.find({ $sort: { name: 1 }, $limit: 1, $skip: 1, $total: false })).data), ['Plums'])
  assert.equal((await api.jars.find({ $limit: 0 })).total, 2)
  assert.equal((await api.jars.find({ $total: false })).total, -1)
  assert.equal(await api.jars.count({ sealedOn: null }), 1)
  assert.equal(await api.jars.count({ sealedOn: { $ne: null } }), 1)
  assert.equal(await api.jars.count({ $or: [{ state: 'half-full' }, { grams: { $lt: 1 } }], $not: { name: 'Plums' }, tags: { $contains: 'very-hot' } }), 1)
  assert.equal(await api.jars.count({ createdAt: { $lte: new Date(Date.now() + 60_000) }, shelf: { name: 'Left' }, shelfId: shelf.id }), 1)
  assert.equal(await api.shelves.count({ jars: { state: 'half-full' } }), 1)
  assert.equal(await api.shelves.count({ jars: { $none: { name: 'Figs & "salt"' } } }), 0)
  assert.deepEqual(names((await api.jars.find({ $search: 'plum' })).data), ['Plums'])
  const all = []
  for await (const jar of api.jars.each({ $limit: 1, $sort: { name: 1 } })) all.push(jar.name)
  assert.deepEqual(all, ['Figs & "salt"', 'Plums'])

  const changed = await api.jars.patch(figs.id, { price: null, state: 'full' }, { version: figs.version })
  assert.deepEqual([changed.price, changed.state, changed.version], [null, 'full', figs.version + 1])
  await assert.rejects(api.jars.patch(figs.id, { grams: 5 }, { version: figs.version }), refusal(412, 'precondition-failed'))
  await assert.rejects(api.jars.remove(figs.id, { version: figs.version }), refusal(412, 'precondition-failed'))
  await assert.rejects(api.shelves.remove(shelf.id), refusal(409, 'conflict'))
  const both = { id: { $in: [figs.id, plums.id] } }
  assert.deepEqual((await api.jars.patchMany(both, { grams: 7 })).map((jar) => jar.grams), [7, 7])
  assert.deepEqual((await api.jars.removeMany(both)).length, 2)
  await assert.rejects(api.jars.get(figs.id), refusal(404, 'not-found'))
})

test('a deleted row is restored', async () => {
  const { id } = await api.shelves.create({ name: 'Right' })
  assert.equal((await api.shelves.remove(id)).name, 'Right')
  await assert.rejects(api.shelves.get(id), refusal(404, 'not-found'))
  assert.equal((await api.shelves.restore(id)).id, id)
})

test('rows of relations come inside of a row, and are written with it', async () => {
  const made = await api.shelves.create({ name: 'Top', jars: { create: [{ name: 'Dill', grams: 20, state: 'half-full' }] } })
  const found = await api.shelves.get(made.id, { $include: ['jars.shelf'] })
  assert.deepEqual(found.jars, { total: -1, limit: 10, skip: 0, data: found.jars.data })
  const [dill] = found.jars.data
  assert.deepEqual([dill.name, dill.state, dill.shelf.id, dill.shelf.name], ['Dill', 'half-full', made.id, 'Top'])
  await api.jars.removeMany({ shelfId: made.id })
})

test('what is wrong is told for each field', async () => {
  await row({ name: 'Sage' })
  await assert.rejects(row({ name: 'x'.repeat(41), grams: -1 }), (err) => {
    assert.deepEqual(err.problems.map((p) => [p.field, p.code]).toSorted(), [['grams', 'too_small'], ['name', 'too_long']])
    return refusal(400, 'bad-request', err.fields)(err)
  })
  await assert.rejects(row({ name: 'Sage' }), (err) => Object.keys(err.fields).join() === 'name' && refusal(409, 'conflict', err.fields)(err))
  await assert.rejects(api.jars.create({ grams: 1 }), refusal(400, 'bad-request', { name: 'is required' }))
  await assert.rejects(row({ name: 'Mint', grams: 'many' }), (err) => Object.keys(err.fields).join() === 'grams' && err.status === 400)
  await assert.rejects(row({ name: 'Mint', state: 'gone' }), (err) => Object.keys(err.fields).join() === 'state' && err.status === 400)
})

test('what somebody may not read is not there, and what they may not do is refused', async () => {
  const made = await row({ name: 'Saffron', secret: 'behind the flour' })
  for (let i = 0; i < 9; i++) await row({ name: `Salt ${i}` })
  const guest = { email: `guest-${Date.now()}@example.com`, password: 'Wet-Larch-Gravel-88' }
  await createClient({ url: s.url }).users.create(guest)
  const theirs = createClient({ url: s.url })
  await theirs.auth.logIn(guest)
  const seen = await theirs.jars.get(made.id)
  assert.deepEqual([seen.name, 'secret' in seen], ['Saffron', false])
  assert.ok((await theirs.jars.find({ $limit: 100 })).data.every((jar) => !('secret' in jar)))
  assert.equal((await api.jars.get(made.id)).secret, 'behind the flour')
  await assert.rejects(theirs.jars.patch(made.id, { grams: 1 }), refusal(403, 'forbidden'))
  await assert.rejects(theirs.jars.find({ secret: 'behind the flour' }), (err) => err.status === 400)
})

test('names are of the entity, and no condition vanishes', async () => {
  const sent = []
  const quiet = createClient({ url: s.url, fetch: async (_, { body }) => { sent.push(body); return Response.json({ data: {} }) } })
  for (const $select of [['name } users { email'], ['shelf']]) await assert.rejects(quiet.jars.find({ $select }), TypeError)
  await assert.rejects(quiet.jars.get('1', { $include: ['shelf { jars { name } } x'] }), TypeError)
  for (const where of [{ name: 'Figs', id: { $in: [] } }, { name: 'Figs', $or: [] }, { name: 'Figs', $not: {} }, { shelf: {} }]) {
    await assert.rejects(quiet.jars.removeMany(where), TypeError)
    await assert.rejects(quiet.jars.find(where), TypeError)
  }
  await assert.rejects(quiet.jars.removeMany({ name: 'Figs', id: undefined }), TypeError)
  assert.deepEqual(sent, [])
  await assert.rejects(api.jars.removeMany({}), (err) => err instanceof ApiError && err.status === 400)
  const mean = '"}) { id } } # '
  assert.equal(await api.jars.count({ name: mean }), 0)
})

test('a request is broken off, an expired token is renewed once, and a service that is away is told', async () => {
  const stop = new AbortController()
  const asked = api.jars.find({}, stop.signal)
  stop.abort()
  await assert.rejects(asked, { name: 'AbortError' })

  let renewed = 0
  let old
  const counting = createClient({ url: s.url, fetch: (url, init) => {
    if (init.body?.includes?.('refreshToken')) renewed++
    return old !== undefined && init.headers.Authorization === old
      ? Promise.resolve(Response.json({ className: 'not-authenticated', message: 'expired' }, { status: 401 })) : fetch(url, init)
  } })
  await counting.auth.logIn(boss)
  old = counting.auth.authorization()
  await Promise.all(Array.from({ length: 5 }, () => counting.jars.find()))
  assert.equal(renewed, 1)
  await assert.rejects(createClient({ url: 'http://127.0.0.1:1' }).jars.find(), refusal(0, 'unreachable'))
  const html = async () => new Response('<h1>busy</h1>', { status: 503, headers: { 'Retry-After': '7' } })
  await assert.rejects(createClient({ url: s.url, fetch: html }).jars.find(), (err) => err.retryAfter === 7 && refusal(503, 'error')(err))
})
