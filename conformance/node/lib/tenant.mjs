// What a scenario changes at the provider, over the Management API.
import { scenario as s } from './browser.mjs'

async function send(method, path, body, token) {
  const res = await fetch(new URL(path, s.url), {
    method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
  })
  const text = await res.text()
  if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`)
  return text && JSON.parse(text)
}

// token returns an access token by client credentials.
export async function token(audience = s.audience, client_id = s.machine, client_secret = s.secret) {
  return (await send('POST', '/oauth/token', { grant_type: 'client_credentials', client_id, client_secret, audience })).access_token
}

// userToken returns an access token of a person.
export async function userToken(person, more = {}) {
  const grant = {
    grant_type: 'http://auth0.com/oauth/grant-type/password-realm', client_id: s.web, client_secret: s.secret, realm: s.connection,
    username: person.email, password: person.password, audience: s.audience, ...more,
  }
  return (await send('POST', '/oauth/token', grant)).access_token
}

// manage makes a request to the Management API.
export async function manage(method, path, body) {
  return send(method, '/api/v2/' + path, body, await token(s.issuer + 'api/v2/', s.manager))
}

// register makes the address of an app known: what a person types into a form.
export async function register(client, base, more = {}) {
  await manage('PATCH', 'clients/' + client, { callbacks: [base + '/callback'], allowed_logout_urls: [base, base + '/'], ...more })
}
