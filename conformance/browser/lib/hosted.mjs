// Ways to the hosted pages.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { authorization, fill, heading, login, press, s, signup, stranger, until } from './browser.mjs'

// letter returns the link of the newest letter to somebody.
export function letter(to) {
  return until(`a letter to ${to}`, async () => {
    for (const name of (await readdir(s.outbox).catch(() => [])).toSorted().toReversed()) {
      if (!name.endsWith('.eml')) continue
      const text = (await readFile(`${s.outbox}/${name}`, 'utf8')).replaceAll('=\r\n', '').replaceAll('=\n', '').replaceAll('=3D', '=')
      if (text.includes(to)) return text.match(/https?:\/\/\S+\/u\/\S+/)[0]
    }
  })
}

// pages lead to each hosted page, by its name.
export const pages = {
  login: (page, more) => page.goto(authorization(more)),
  'login with a problem': async (page, more) => {
    await page.goto(authorization(more))
    await page.$eval('#username', (e, v) => { e.value = v }, s.ben.email)
    await page.$eval('#password', (e) => { e.value = 'wrong' })
    await Promise.all([page.waitForNavigation(), page.$eval('form', (f) => f.requestSubmit(f.querySelector('[type=submit]')))])
    assert.ok(await page.$('#problem'))
  },
  signup: (page, more) => page.goto(authorization({ screen_hint: 'signup', ...more })),
  forgot: (page, more) => page.goto(authorization({ screen_hint: 'reset-password', ...more })),
  'forgot, sent': async (page, more) => {
    await page.goto(authorization({ screen_hint: 'reset-password', ...more }))
    await page.$eval('form input:not([type=hidden])', (e, v) => { e.value = v }, stranger().email)
    await Promise.all([page.waitForNavigation(), page.$eval('form', (f) => f.requestSubmit(f.querySelector('[type=submit]')))])
  },
  error: (page, more) => page.goto(authorization({ ...more, client_id: 'nobody' })),
  'a callback that is not registered': (page, more) => page.goto(authorization({ ...more, redirect_uri: s.stray + '/callback' })),
  'logged out': (page) => page.goto(s.url + '/oidc/logout'),
  // These need somebody who is logged in.
  consent: (page, more) => page.goto(authorization({ ...more, client_id: s.foreign, scope: 'openid profile email offline_access create:items', audience: s.audience })),
  'log out?': (page) => page.goto(s.url + '/oidc/logout?client_id=' + s.client),
}
export const inside = ['consent', 'log out?']

// enter logs somebody in at the provider, and leaves them at the callback.
export async function enter(page, who = s.ada) {
  await page.goto(authorization({ prompt: 'login' }))
  await login(page, who)
  await until('the callback', () => page.url().startsWith(s.app + '/callback'))
}

// reset returns the link of a letter to set a new password.
export async function reset(page, who) {
  await pages.forgot(page, { prompt: 'login' })
  await heading(page, 'Reset your password')
  await fill(page, 'E-mail address', who.email)
  await press(page, 'Send link')
  await heading(page, 'Check your e-mail')
  return letter(who.email)
}

// newcomer signs up, so that no scene changes the password of another's person.
export async function newcomer(page) {
  await pages.signup(page)
  const who = await signup(page)
  await until('the callback', () => page.url().startsWith(s.app + '/callback'))
  return who
}
