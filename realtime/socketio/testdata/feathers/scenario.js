// The official clients of Feathers, unchanged, against the door for Socket.io.
//
//   node scenario.js '{"url": "…", "shortLived": "…"}'
//
// The tokens of the second service live for two seconds.
'use strict'

const assert = require('node:assert/strict')
const { feathers } = require('@feathersjs/feathers')
const socketio = require('@feathersjs/socketio-client')
const authentication = require('@feathersjs/authentication-client')
const io = require('socket.io-client')

const { url, shortLived } = JSON.parse(process.argv[2])
const sockets = []

// connect returns a client with a memory of its own.
function connect(to, options = {}) {
  const socket = io(to, { reconnectionDelay: 20, forceNew: true, ...options })
  sockets.push(socket)
  const store = new Map()
  const app = feathers()
  app.configure(socketio(socket))
  app.configure(authentication({
    storage: {
      getItem: (key) => store.get(key) ?? null,
      setItem: (key, value) => store.set(key, value),
      removeItem: (key) => store.delete(key)
    }
  }))
  return { app, socket, store }
}

const login = (client, name) => client.app.authenticate({ strategy: 'local', name, password: name })

const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve))

async function refused(promise, code, message) {
  const error = await promise.then(() => assert.fail('not refused'), (error) => error)
  assert.equal(error.code, code, `${error.name}: ${error.message}`)
  if (message) assert.equal(error.message, message)
  return error
}

// heard collects the events of a service.
function heard(client, service) {
  const list = []
  for (const event of ['created', 'updated', 'patched', 'removed']) {
    client.app.service(service).on(event, (data) => list.push([event, data]))
  }
  return list
}

async function guarded(transports) {
  const ann = connect(url, { transports })
  const notes = ann.app.service('notes')
  const error = await refused(notes.find(), 401)
  assert.equal(error.className, 'not-authenticated')
  await refused(ann.app.authenticate({ strategy: 'local', name: 'ann', password: 'wrong' }), 401)
  await refused(ann.app.authenticate({ strategy: 'local', name: { $ne: null }, password: { $ne: null } }), 400)
  await refused(ann.app.authenticate({ strategy: 'nothing' }), 401, 'Invalid authentication information (strategy not allowed in authStrategies)')
  const result = await login(ann, 'ann')
  assert.equal(result.authentication.strategy, 'local')
  assert.equal(result.user.id, 'ann')
  assert.ok(result.accessToken)
  assert.deepEqual((await notes.find()).data, [])
  await ann.app.logout()
  await refused(notes.find(), 401)
  await refused(ann.app.authenticate({ strategy: 'jwt', accessToken: result.accessToken }), 401)
  ann.socket.close()
}

async function calls(ann) {
  const notes = ann.app.service('notes')
  const note = await notes.create({ text: 'milk' })
  assert.equal(note.ownerId, 'ann')
  assert.equal((await notes.get(note.id)).text, 'milk')
  assert.equal((await notes.patch(note.id, { text: 'bread' })).text, 'bread')
  assert.equal((await notes.update(note.id, { text: 'wine' })).text, 'wine')
  await notes.create([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
  const page = await notes.find({ query: { text: { $in: ['a', 'b'] }, $sort: { text: -1 }, $limit: 1, $select: ['text'] } })
  assert.equal(page.total, 2)
  assert.equal(page.data[0].text, 'b')
  assert.equal((await notes.find({ query: { $or: [{ text: 'a' }, { text: 'c' }] } })).total, 2)
  assert.equal((await notes.remove(note.id)).id, note.id)
  await refused(notes.get(note.id), 404, `No record found for id '${note.id}'`)
  await refused(notes.create({ text: 'x', ownerId: 'bob' }), 403)
  await refused(notes.create({ text: 7 }), 400)
  await refused(notes.find({ query: { remark: 'x' } }), 400)
  await refused(notes.find({ query: { $where: '1' } }), 400)
  await refused(notes.find({ query: { text: { $in: [] } } }), 400)
  await refused(notes.patch(null, { text: 'all' }), 405)
  await refused(notes.remove(null), 405)
  await refused(ann.app.service('ghosts').find(), 404, "Service 'ghosts' not found")
  await refused(ann.app.service('authentication').find(), 405, "Method 'find' not allowed on service 'authentication'")
}

// events: they come to the one who may see the row, and not to the other.
async function events(ann, bob) {
  const toAnn = heard(ann, 'notes')
  const toBob = heard(bob, 'notes')
  const mine = await ann.app.service('notes').create({ text: 'a secret' })
  await ann.app.service('notes').patch(mine.id, { text: 'a bigger one' })
  await ann.app.service('notes').remove(mine.id)
  const end = once(bob.app.service('notes'), 'created')
  await bob.app.service('notes').create({ text: 'of bob' })
  await end
  assert.deepEqual(toBob.map(([event, note]) => [event, note.text]), [['created', 'of bob']])
  const last = toAnn.at(-1)
  assert.deepEqual(last, ['removed', { id: mine.id }])
  assert.ok(toAnn.every(([, note]) => note.id === mine.id))
  return toAnn
}

// reconnect: the client authenticates again by itself, and is told of events.
async function reconnect(ann) {
  const again = once(ann.app, 'login')
  ann.socket.io.engine.close()
  await again
  const created = once(ann.app.service('notes'), 'created')
  await ann.app.service('notes').create({ text: 'back' })
  assert.equal((await created).text, 'back')
}

async function handshake(token) {
  const client = connect(url, { extraHeaders: { Authorization: `Bearer ${token}` } })
  const created = once(client.app.service('notes'), 'created')
  await client.app.service('notes').create({ text: 'by header' })
  assert.equal((await created).text, 'by header')
  client.socket.close()
  const wrong = connect(url, { extraHeaders: { Authorization: 'Bearer a.b.c' } })
  const error = await once(wrong.socket, 'connect_error')
  assert.match(error.message, /\S/)
  assert.equal(error.data.code, 401)
  wrong.socket.close()
}

async function otherUser(ann) {
  await login(ann, 'bob') // on the same socket: from now on it is bob's
  const { data } = await ann.app.service('notes').find()
  assert.ok(data.every((note) => note.ownerId === 'bob'))
}

async function logout(ann, toAnn) {
  await ann.app.logout()
  await refused(ann.app.service('notes').find(), 401)
  toAnn.length = 0
}

async function expiry() {
  const ann = connect(shortLived)
  await once(ann.socket, 'connect')
  const gone = once(ann.socket, 'disconnect')
  const start = Date.now()
  await login(ann, 'ann')
  await ann.app.service('notes').find()
  assert.equal(await gone, 'io server disconnect')
  assert.ok(Date.now() - start < 7000, 'disconnected in time')
}

async function main() {
  await guarded(['websocket'])
  await guarded(['polling'])
  await guarded(['polling', 'websocket'])
  const ann = connect(url)
  const bob = connect(url, { transports: ['polling'] })
  const result = await login(ann, 'ann')
  await login(bob, 'bob')
  await calls(ann)
  const toAnn = await events(ann, bob)
  await reconnect(ann)
  await handshake(result.accessToken)
  await otherUser(ann)
  await logout(ann, toAnn)
  const end = once(bob.app.service('notes'), 'created')
  await bob.app.service('notes').create({ text: 'after' })
  await end
  assert.deepEqual(toAnn, [])
  await expiry()
}

main().then(
  () => console.log('ok'),
  (error) => { console.error(error); process.exitCode = 1 }
).finally(() => sockets.forEach((socket) => socket.close()))
