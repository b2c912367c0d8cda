// The page for trying a log-in: what it copies, and that it can be reloaded.
import assert from 'node:assert/strict'
import { claims, login, press, s, scene, text, until } from './lib/browser.mjs'

async function enter(page) {
  await page.goto(s.url + '/try')
  await login(page, s.ada)
  await page.locator('#token').wait()
  return (await text(page, '#token')).replace(/^TOKEN=/, '')
}

scene('each button copies what is above it, of the token the token alone', async (page) => {
  const token = await enter(page)
  assert.equal(claims(token).aud[0] ?? claims(token).aud, s.audience)
  await page.evaluate(() => { // what is there to paste, wherever a page may write
    window.copied = []
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (t) => { window.copied.push(t) } } })
  })
  const buttons = ['Copy the token', 'Copy the request that reads', 'Copy the request that writes']
  for (const name of buttons) await press(page, name)
  const copied = await until('three texts', () => page.evaluate(() => window.copied.length === 3 && window.copied))
  assert.equal(copied[0], token)
  assert.equal(copied[1], await text(page, '#read'))
  assert.equal(copied[2], await text(page, '#write'))
  await until('the buttons say so', () => page.evaluate(() => [...document.querySelectorAll('button[data-copies]')].every((b) => b.textContent === 'Copied')))
})

scene('where a page has no clipboard the token is selected and copied the old way', async (page) => {
  const token = await enter(page)
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined })
    document.execCommand = () => { window.copied = getSelection().toString(); return true }
  })
  await press(page, 'Copy the token')
  assert.equal(await until('a text', () => page.evaluate(() => window.copied)), token)
})

scene('a page that is reloaded logs in anew, and asks for nothing', async (page) => {
  const token = await enter(page)
  assert.equal(page.url(), s.url + '/try')
  await page.reload()
  await page.locator('#token').wait()
  const next = (await text(page, '#token')).replace(/^TOKEN=/, '')
  assert.notEqual(next, token)
  assert.equal(claims(next).sub, claims(token).sub)
})
