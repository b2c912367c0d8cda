// The authentication provider of a react-admin application.
import { Auth0AuthProvider } from 'ra-auth-auth0'
import { PreviousLocationStorageKey } from 'react-admin'

// authProvider is that of ra-auth-auth0, but for 403: what somebody may not do is
// shown as the error of the request, and they stay logged in. With
// forbiddenLogsOut it logs them out, as that of ra-auth-auth0 does.
export function authProvider(client, { forbiddenLogsOut = false, ...options } = {}) {
  const provider = Auth0AuthProvider(client, { redirectOnCheckAuth: false, ...options })
  return {
    ...provider,
    async checkError(error) {
      if (error.status === 403 && !forbiddenLogsOut) return
      await provider.checkError(error)
    },
    async checkAuth(params) {
      try {
        await provider.checkAuth(params)
      } catch (err) { // the log-in page comes now, and this one after the log-in
        localStorage.setItem(PreviousLocationStorageKey, window.location.href)
        throw err
      }
    },
  }
}
