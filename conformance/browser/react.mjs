// auth0-react, in the application of site/react.jsx.
import assert from 'node:assert/strict'
import { at, claims, heading, login, press, s, scene, signup, text, until, watched } from './lib/browser.mjs'

const settings = (more) => ({
  domain: s.url, clientId: s.client, ...more,
  authorizationParams: { redirect_uri: s.app + '/react', audience: s.audience, scope: 'openid profile email create:items' },
})

const open = (page, more) => page.goto(`${s.app}/react?settings=${encodeURIComponent(JSON.stringify(settings(more)))}`)
const token = (page) => until('a token', async () => {
  const value = await text(page, '#token')
  return value && claims(value)
})

scene('useAuth0: log in by redirect, return to where one was, get a token, survive a reload', async (page) => {
  await open(page)
  await press(page, 'Sign in')
  await login(page, s.ada)
  await at(page, s.app + '/react/menu?dish=7')
  assert.equal(await text(page, '#who'), s.ada.email)
  const access = await token(page)
  assert.equal(access.sub, s.ada.sub)
  assert.ok(access.permissions.includes('create:items'))
  await page.reload()
  assert.equal(await text(page, '#who'), s.ada.email)
})

scene('useAuth0: log in by pop-up', async (page) => {
  await open(page)
  const opened = new Promise((resolve) => page.once('popup', resolve))
  await press(page, 'Sign in by pop-up')
  const win = watched(await opened)
  await login(win, s.ben)
  assert.equal(await text(page, '#who'), s.ben.email)
  assert.deepEqual((await token(page)).permissions, [])
  await until('the window to close', () => win.isClosed())
})

scene('useAuth0: a sign-up from the log-in page, with refresh tokens', async (page) => {
  await open(page, { useRefreshTokens: true, cacheLocation: 'localstorage' })
  await press(page, 'Sign in')
  await heading(page, 'Log in')
  await press(page, 'Create an account', 'link')
  const who = await signup(page)
  await at(page, s.app + '/react/menu')
  assert.equal(await text(page, '#who'), who.email)
  await page.reload()
  assert.equal(await text(page, '#who'), who.email)
})

scene('useAuth0: log out, here and at the provider', async (page) => {
  await open(page)
  await press(page, 'Sign in')
  await login(page, s.ada)
  assert.equal(await text(page, '#who'), s.ada.email)
  await press(page, 'Sign out')
  await at(page, s.app + '/react')
  await press(page, 'Sign in')
  await heading(page, 'Log in')
})

scene('withAuthenticationRequired: a page that is visited first leads through log-in and back', async (page) => {
  await open(page)
  await page.goto(s.app + '/react/staff')
  await login(page, s.ada)
  await at(page, s.app + '/react/staff?tab=2')
  assert.equal(await text(page, '#staff'), `Only for ${s.ada.email}`)
})

scene('an error of the provider is the error of the hook', async (page) => {
  await open(page)
  await press(page, 'Sign in')
  await heading(page, 'Log in')
  await page.goto(s.app + '/react?error=access_denied&error_description=Closed%20today&state=x')
  assert.equal(await text(page, '[role=alert]'), 'access_denied: Closed today')
})
