// The pages of the plugin admin for a service that has GraphQL alone, used as a person does.
import assert from 'node:assert/strict'
import { press, s, scene, until } from './lib/browser.mjs'

const base = s.url + '/admin'
const seen = (page, what) => until(what, () => page.evaluate((w) => document.body.innerText.includes(w), what).catch(() => false))

// type overwrites a field key by key.
async function type(page, label, value, role = 'textbox') {
  await page.locator(`aria/${label}[role="${role}"]`).click({ count: 3 })
  await page.keyboard.type(value)
}

async function enter(page, path) {
  await page.goto(base + path)
  await type(page, 'E-mail address', s.ada.email)
  await page.locator('#password').fill(s.ada.password)
  await press(page, 'Log in')
  await until(path, () => page.url().startsWith(base + path))
}

const confirm = (page) => press(page, '\u200b Confirm')
const left = (page, id) => until('the list', () => page.url().startsWith(base + '/jars') && !page.url().includes(id))

// api asks the service itself, for the administrator.
const json = { 'Content-Type': 'application/json' }
let token
async function api(query, variables) {
  token ??= fetch(s.url + '/api/authentication', { method: 'POST', headers: json, body: JSON.stringify({ strategy: 'local', ...s.ada }) })
    .then((res) => res.json()).then((answer) => answer.accessToken)
  const res = await fetch(s.url + '/api/graphql', { method: 'POST', headers: { ...json, Authorization: `Bearer ${await token}` }, body: JSON.stringify({ query, variables }) })
  const { data, errors } = await res.json()
  assert.equal(errors, undefined)
  return data
}
const jar = async (input) => (await api('mutation ($input: CreateJarInput!) { createJar(input: $input) { id } }', { input: { grams: 100, ...input } })).createJar.id
const read = async (id) => (await api('query ($id: ID!) { jar(id: $id) { name grams state tags shelfId } }', { id })).jar
const probe = '<img src=x onerror="document.title=1">'

scene('rows are listed, found, sorted and paged', async (page) => {
  assert.equal((await fetch(s.url + '/api/jars')).status, 404, 'there is no REST')
  for (let i = 10; i < 40; i++) await jar({ name: `Bread ${i}`, grams: i })
  await jar({ name: 'Artichokes', state: 'half_full' })
  await enter(page, '/jars')
  await seen(page, '1-25 of 31')
  await page.locator('th ::-p-text(Grams)').click()
  await until('the order', () => page.$eval('tbody tr', (row) => row.innerText.includes('Bread 10')))
  await page.locator('aria/Search[role="textbox"]').fill('artich')
  await until('one row', () => page.$$eval('tbody tr', (rows) => rows.length === 1))
  await seen(page, 'Artichokes')
  assert.deepEqual([...page.origins], [s.url])
})

scene('a row is made and edited, and what is wrong stands at its field', async (page) => {
  await enter(page, '/jars/create')
  await type(page, 'Name', 'x'.repeat(41))
  await type(page, 'Grams', '6000', 'spinbutton')
  await press(page, 'Save')
  await until('both', () => page.$$eval('[aria-invalid=true]', (list) => list.map((e) => e.name).sort().join() === 'grams,name'))
  await type(page, 'Name', probe)
  await type(page, 'Grams', '250', 'spinbutton')
  await press(page, 'Save')
  await until('the list', () => page.url().startsWith(base + '/jars') && !page.url().includes('create'))
  await seen(page, probe)
  assert.notEqual(await page.title(), '1')
  const { jars: [{ id }] } = await api('query ($name: String) { jars(where: {name: {eq: $name}}) { id } }', { name: probe })
  assert.deepEqual(await read(id), { name: probe, grams: 250, state: 'full', tags: null, shelfId: null })
}, { expected: /status of 400/ })

scene('who was overtaken is told, and a row is deleted', async (page) => {
  const id = await jar({ name: 'Nettles', state: 'half_full' })
  await enter(page, `/jars/${id}`)
  await type(page, 'Name', 'Nettle soup')
  await api('mutation ($id: ID!) { updateJar(id: $id, input: {grams: 7}) { id } }', { id })
  await press(page, 'Save')
  await seen(page, 'Somebody else has changed this meanwhile')
  assert.equal((await read(id)).name, 'Nettles')
  await press(page, 'Save mine')
  await left(page, id)
  assert.deepEqual(await read(id), { name: 'Nettle soup', grams: 7, state: 'half_full', tags: null, shelfId: null })

  await page.goto(base + `/jars/${id}`)
  await page.locator('#password').wait()
  await type(page, 'E-mail address', s.ada.email)
  await page.locator('#password').fill(s.ada.password)
  await press(page, 'Log in')
  await press(page, 'Delete')
  await confirm(page)
  await left(page, id)
  assert.deepEqual(await api('query ($id: ID!) { jarsCount(where: {id: {eq: $id}}) }', { id }), { jarsCount: 0 })
})
