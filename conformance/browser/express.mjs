// express-openid-connect over https, with its defaults: response_type=id_token,
// sent as a form by the browser.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { after } from 'node:test'
import express from 'express'
import oidc from 'express-openid-connect'
import { at, heading, login, plain, s, scene, text } from './lib/browser.mjs'

const serve = (base, options) => {
  const app = express()
  app.use(oidc.auth({
    issuerBaseURL: s.url, baseURL: base, clientID: s.web, secret: 'a long, randomly-generated string', authRequired: false, ...options,
  }))
  app.get('/', (req, res) => {
    res.type('html').send(`<title>App</title><link rel="icon" href="data:,"><p id="who">${req.oidc.isAuthenticated() ? req.oidc.user.email : 'nobody'}</p>
<p id="kind">${req.oidc.idToken ? 'id' : ''} ${req.oidc.accessToken ? 'access' : ''}</p>`)
  })
  app.use((err, req, res, _next) => { res.status(err.status ?? 500).type('text').send(`${err.error}: ${err.error_description}`) })
  const server = https.createServer({ key: readFileSync(s.key), cert: readFileSync(s.cert) }, app)
  server.listen(new URL(base).port, '127.0.0.1')
  after(() => { server.closeAllConnections(); server.close() })
}
serve(s.implicit, { idpLogout: true })
serve(s.code, {
  clientSecret: s.secret,
  authorizationParams: { response_type: 'code', audience: s.audience, scope: 'openid email create:items' },
})

scene('the default: an ID token in a form that posts itself', async (page) => {
  await page.goto(s.implicit + '/login')
  await login(page, s.ada)
  await at(page, s.implicit + '/')
  assert.equal(await text(page, '#who'), s.ada.email)
  assert.equal((await text(page, '#kind')).trim(), 'id')
})

scene('the same without JavaScript: a button posts it', async (page) => {
  await page.setJavaScriptEnabled(false)
  await page.goto(s.implicit + '/login')
  await plain.login(page, s.ada)
  await plain.find(page, 'You are logged in', 'heading')
  await plain.press(page, 'Continue')
  assert.equal(await plain.text(page, '#who'), s.ada.email)
})

scene('a session answers without a page, and going back does not post twice', async (page) => {
  await page.goto(s.implicit + '/login')
  await login(page, s.ben)
  await at(page, s.implicit + '/')
  await page.goto(s.implicit + '/login')
  await at(page, s.implicit + '/')
  assert.equal(await text(page, '#who'), s.ben.email)
  await page.goBack()
  assert.ok(!(await page.evaluate(() => document.body.innerText)).includes('state'), page.url())
})

scene('logout goes through the end session endpoint and back', async (page) => {
  await page.goto(s.implicit + '/login')
  await login(page, s.ada)
  await at(page, s.implicit + '/')
  await page.goto(s.implicit + '/logout')
  await at(page, s.implicit)
  assert.equal(await text(page, '#who'), 'nobody')
  await page.goto(s.implicit + '/login')
  await heading(page, 'Log in')
})

scene('the code flow with an access token', async (page) => {
  await page.goto(s.code + '/login')
  await login(page, s.ada)
  await at(page, s.code + '/')
  assert.equal(await text(page, '#who'), s.ada.email)
  assert.equal((await text(page, '#kind')).trim(), 'id access')
})

scene('somebody who cancels gets the error in a form', async (page) => {
  await page.goto(s.implicit + '/login')
  await login(page, s.closed)
  await page.locator('::-p-text(access_denied: The kitchen is closed)').wait()
  assert.ok(page.url().startsWith(s.implicit + '/callback'), page.url())
}, { expected: /status of 4\d\d/ })
