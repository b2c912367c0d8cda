// The application of the plugin admin, as a person uses it.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import axe from 'axe-core'
import { press, s, until } from './browser.mjs'

const json = { 'Content-Type': 'application/json' }
export const base = s.url + s.path

export const seen = (page, what) => until(what, () => page.evaluate((w) => document.body.innerText.includes(w), what).catch(() => false))
export const gone = (page, what) => until(`${what} to be gone`, () => page.evaluate((w) => !document.body.innerText.includes(w), what).catch(() => false))
export const there = (page, name, role) => page.$(`aria/${name}[role="${role}"]`)

// write fills a field whose label is that.
export const write = (page, label, value) => page.locator(`aria/${label}[role="textbox"]`).fill(value)

// enter goes to a page as a visitor, and logs in.
export async function enter(page, who = s.ada, path = '/') {
  await page.goto(base + path)
  await write(page, 'E-mail address', who.email)
  await page.locator('#password').fill(who.password)
  await press(page, 'Log in')
  await until(path, () => page.url().startsWith(base + path.replace(/\/$/, '')) && !page.url().endsWith('/login'))
  await until('the page', () => page.evaluate(() => document.querySelector('#main-content')?.innerText.trim() !== '').catch(() => false))
}

// go leads to another page of the application, as a link does.
export const go = (page, path) => page.evaluate((to) => {
  history.pushState({}, '', to)
  dispatchEvent(new PopStateEvent('popstate'))
}, base + path)

// tokenOf logs somebody in elsewhere, with a program that calls itself agent.
export async function tokenOf(who, agent = 'a test') {
  const body = JSON.stringify({ strategy: 'local', ...who })
  const res = await fetch(s.url + '/api/authentication', { method: 'POST', headers: { ...json, 'User-Agent': agent }, body })
  assert.equal(res.status, 201)
  return (await res.json()).accessToken
}

let admin
// api asks the service itself, for the administrator or whose token it is.
export async function api(method, path, body, token) {
  token ??= await (admin ??= tokenOf(s.ada))
  const res = await fetch(s.url + path, { method, headers: { ...json, Authorization: `Bearer ${token}` }, body: body && JSON.stringify(body) })
  assert.ok(res.ok, `${method} ${path}: ${res.status}`)
  return res.status === 204 ? undefined : res.json()
}

// inspect looks at pages in one size and scheme: what axe has against them, and whether
// they are too wide. A page is a name, its path and a text by which it is there.
export async function inspect(page, width, scheme, pages) {
  await page.setViewport({ width, height: width < 600 ? 844 : 800 })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }])
  const found = []
  for (const [name, path, text] of pages) {
    await go(page, path)
    await seen(page, text)
    await page.waitForNetworkIdle({ idleTime: 300 })
    if (s.shots) {
      await mkdir(s.shots, { recursive: true })
      await page.screenshot({ path: `${s.shots}/${name}-${width}-${scheme}.png`, fullPage: true })
    }
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }))
    const serious = violations.filter((v) => ['serious', 'critical'].includes(v.impact))
    found.push(...serious.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + n.html.slice(0, 160)).join('; ')}`))
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    if (wide > 0) found.push(`${name}: ${wide} pixels too wide`)
  }
  assert.deepEqual(found, [])
}
