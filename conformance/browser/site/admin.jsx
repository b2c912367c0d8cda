// The authentication provider of react-admin, set up as its documentation says, and
// that of the guide.
import { Auth0Client } from '@auth0/auth0-spa-js'
import { Auth0AuthProvider, httpClient } from 'ra-auth-auth0'
import { authProvider } from '../guide/auth-provider.js'

window.admin = (options, urls) => {
  window.client = new Auth0Client(options)
  window.provider = Auth0AuthProvider(window.client, urls)
  window.http = httpClient(window.client)
}
window.guide = (options) => { window.provider = authProvider(window.client, options) }
