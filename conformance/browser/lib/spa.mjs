// A page with auth0-spa-js.
import { at, s, until } from './browser.mjs'

// open goes to a page of the application and makes its client.
export async function open(page, options = {}, address = s.app + '/') {
  await page.goto(address)
  await client(page, options)
}

// client makes the client of a page, as the script of the application would at
// each visit.
export async function client(page, options = {}) {
  const origin = new URL(page.url()).origin
  await page.evaluate((o) => { window.client = new window.auth0.Auth0Client(o) }, {
    domain: s.url, clientId: s.client, ...options,
    authorizationParams: {
      audience: s.audience, scope: 'openid profile email create:items update:items', redirect_uri: origin + '/callback',
      ...options.authorizationParams,
    },
  })
}

// call calls a method of the client and returns {ok} or {error, description,
// message}.
export const call = (page, method, ...args) => page.evaluate(async (m, a) => {
  try {
    return { ok: await window.client[m](...a) }
  } catch (err) {
    return { error: err.error, description: err.error_description, message: err.message }
  }
}, method, args)

// redirect begins a log-in, which leaves the page.
export const redirect = (page, params = {}, more = {}) => page.evaluate((o) => {
  window.leaving = true
  void window.client.loginWithRedirect(o)
}, {
  ...more, authorizationParams: params,
})

// back handles the answer at the callback. Where the log-in began there, the page is
// left first.
export async function back(page, options = {}, origin = s.app) {
  await until('the page to be left', () => page.evaluate(() => !window.leaving).catch(() => false))
  await at(page, origin + '/callback')
  await client(page, options)
  return call(page, 'handleRedirectCallback')
}
