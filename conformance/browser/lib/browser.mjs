// Chromium, used as a person does: pages are filled in by what their labels say.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { after } from 'node:test'
import puppeteer from 'puppeteer-core'

export const s = JSON.parse(process.argv[2])

const browser = await puppeteer.launch({
  executablePath: s.chromium, userDataDir: s.profile, headless: true, defaultViewport: null,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--lang=en', ...(s.flags ?? [])],
  env: { ...process.env, LANG: 'en_US.UTF-8' },
})
after(() => browser.close())

// scene is a test with a browser of its own: no cookies, nothing stored. Its
// page is watched: what Chromium complains about fails the test unless it matches
// expected. Limits of time are for what hangs: a machine may be slow.
export function scene(name, body, { expected } = {}) {
  test(name, { timeout: 480_000 }, async () => {
    const context = await browser.createBrowserContext()
    try {
      const page = watched(await context.newPage())
      await body(page, context)
      const left = page.complaints.filter((text) => !expected?.test(text))
      assert.deepEqual(left, [], 'Chromium complains')
    } catch (err) {
      for (const page of await context.pages()) {
        err.message += `\n  ${(page.complaints ?? []).join('\n  ')}\n  at ${page.url().slice(0, 200)}: ${await page.evaluate(() => document.body?.innerText.slice(0, 600)).catch(() => '')}`
      }
      throw err
    } finally {
      await context.close()
    }
  })
}

// watched notes what Chromium complains about, the dialogs that open, and the
// origins that are asked.
export function watched(page) {
  page.complaints = []
  page.dialogs = []
  page.origins = new Set()
  page.setDefaultTimeout(120_000)
  page.on('console', (m) => {
    if (['error', 'warn', 'warning', 'issue'].includes(m.type())) page.complaints.push(`${m.type()}: ${m.text()} (${m.location().url})`)
  })
  page.on('pageerror', (err) => page.complaints.push(`thrown: ${err.message}`))
  page.on('dialog', (d) => { page.dialogs.push(d.message()); void d.dismiss() })
  page.on('request', (r) => { if (/^(http|ws)/.test(r.url())) page.origins.add(new URL(r.url()).origin) })
  return page
}

// until waits for something that becomes true.
export async function until(what, check, limit = 120_000) {
  const end = Date.now() + limit
  for (;;) {
    const value = await check()
    if (value) return value
    if (Date.now() > end) assert.fail(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

// at waits until the page is at an address that begins with prefix, and there.
export async function at(page, prefix) {
  await until(prefix, () => page.url().startsWith(prefix))
  await until('the page', () => page.evaluate(() => document.readyState === 'complete').catch(() => false))
}

export const heading = (page, text) => page.locator(`aria/${text}[role="heading"]`).wait()
export const press = (page, name, role = 'button') => page.locator(`aria/${name}[role="${role}"]`).click()
export const fill = (page, label, text) => page.locator(`aria/${label}[role="textbox"]`).fill(text)
export const text = (page, selector) => page.locator(selector).map((e) => e.textContent).wait()

// login fills in the log-in page that the browser is at.
export async function login(page, who) {
  await heading(page, 'Log in')
  await fill(page, 'E-mail address', who.email)
  await fill(page, 'Password', who.password)
  await press(page, 'Log in')
}

// signup makes a new account on the sign-up page that the browser is at.
export async function signup(page, who = stranger()) {
  await heading(page, 'Create an account')
  await fill(page, 'E-mail address', who.email)
  await fill(page, 'Password', who.password)
  await press(page, 'Create account')
  return who
}

// stranger is somebody without an account.
export const stranger = () => ({ email: `guest-${randomBytes(6).toString('hex')}@example.com`, password: 'Wet-Larch-Gravel-88' })

export const claims = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'))

// forward moves the provider's clock.
export async function forward(by) {
  const res = await fetch(`${s.app}/-/forward?by=${by}`, { method: 'POST' })
  assert.equal(res.status, 200)
}

// authorization is the address of an authorization request of the application.
export function authorization(params = {}) {
  const url = new URL('/authorize', s.url)
  url.search = new URLSearchParams({
    client_id: s.client, response_type: 'code', redirect_uri: s.app + '/callback', scope: 'openid email', state: 'st',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...params,
  }).toString()
  return url.href
}

// Hands without scripts: where a page's JavaScript is off, puppeteer's own ways
// to click wait for ever.
export const plain = {
  async find(page, name, role) {
    return until(`${role} ${name}`, () => page.$(`aria/${name}[role="${role}"]`).catch(() => null))
  },
  async press(page, name, role = 'button') {
    const element = await plain.find(page, name, role)
    await element.evaluate((e) => e.scrollIntoView({ block: 'center' }))
    const box = await element.boundingBox()
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2)
  },
  async fill(page, label, value) {
    await plain.press(page, label, 'textbox')
    await page.keyboard.type(value)
  },
  text: (page, selector) => until(selector, () => page.$eval(selector, (e) => e.textContent).catch(() => '')),
  async login(page, who) {
    await plain.find(page, 'Log in', 'heading')
    await plain.fill(page, 'E-mail address', who.email)
    await plain.fill(page, 'Password', who.password)
    await plain.press(page, 'Log in')
  },
}
