// The authentication provider of react-admin, set up as its documentation says, and
// a page with it that treats errors of requests and who is logged out as react-admin
// does: https://marmelab.com/react-admin/AuthProviderWriting.html.
import { useState } from 'react'
import { createRoot } from 'react-dom/client'
import { Auth0Client } from '@auth0/auth0-spa-js'
import { Auth0AuthProvider, httpClient } from 'ra-auth-auth0'
import { LoginContext } from 'react-admin'
import { authProvider } from './auth-provider.js'
import { Login } from './login.jsx'

window.admin = (options, urls) => {
  window.client = new Auth0Client(options)
  window.provider = Auth0AuthProvider(window.client, urls)
  window.http = httpClient(window.client)
}

// mount shows the application for who is logged in, and its log-in page otherwise.
window.mount = async (options, { loginRedirectUri, logoutRedirectUri, ...more }) => {
  window.admin(options, {})
  const provider = window.provider = authProvider(window.client, { loginRedirectUri, logoutRedirectUri, ...more })
  const inside = await provider.checkAuth({}).then(() => true, () => false)
  createRoot(document.getElementById('root')).render(
    <LoginContext.Provider value={provider.login}>{inside ? <Dishes provider={provider} /> : <Login />}</LoginContext.Provider>,
  )
}

function Dishes({ provider }) {
  const [error, setError] = useState('')
  async function ask(url) {
    setError('')
    try {
      await window.http(url)
    } catch (err) {
      try {
        await provider.checkError(err)
        setError(`${err.status}: ${err.message}`)
      } catch {
        await provider.logout()
      }
    }
  }
  return (
    <main>
      <h1>Dishes</h1>
      {[403, 401].map((status) => <button key={status} onClick={() => ask('/-/status?code=' + status)}>Answer {status}</button>)}
      {error && <p role="alert">{error}</p>}
    </main>
  )
}
