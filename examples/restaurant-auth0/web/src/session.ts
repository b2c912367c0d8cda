import { Auth0Client, GenericError, PopupCancelledError, type User } from '@auth0/auth0-spa-js'
import workerUrl from '@auth0/auth0-spa-js/dist/auth0-spa-js.worker.production.js?url'

import { createClient } from '../../client/src/index.gen.ts'
import { settings } from './settings.ts'

/** What GET /api/auth-config.json answers. */
interface Config {
  domain: string
  clientId: string
  audience: string
  scope: string
  redirectUri: string
  logoutRedirectUri: string
}

/** What GET /api/me/permissions answers; an action that is not there is not allowed. */
export interface Access {
  roles: string[]
  entities: Record<string, { create?: string; update?: string; delete?: string } | undefined>
}

/** Who is here. */
export interface Person {
  user: User
  access: Access
}

const otherTabs = new BroadcastChannel('session')
const here = (path: string): string => new URL(path, location.origin).href

let auth0: Auth0Client
let config: Config

/** The service. Requests have the token of whoever is signed in; the token is in memory alone. */
export const api = createClient({
  url: settings.service,
  credentials: {
    authorization: async () => {
      try {
        const token = (await auth0.isAuthenticated()) ? await auth0.getTokenSilently() : undefined
        return token && `Bearer ${token}`
      } catch (error) {
        if (error instanceof GenericError) return undefined // the log-in is over: the service says 401
        throw error
      }
    },
  },
})

/** Learns where to sign in, and whether somebody still is. */
export async function start(onSignOut: () => void): Promise<Person | undefined> {
  config = await api.http.json<Config>('GET', '/api/auth-config.json', { anonymous: true })
  auth0 = new Auth0Client({
    domain: config.domain, clientId: config.clientId, workerUrl,
    useRefreshTokens: true, useRefreshTokensFallback: true, // a page that was loaded anew has no refresh token
    authorizationParams: { audience: config.audience, scope: config.scope, redirect_uri: here(config.redirectUri) },
  })
  otherTabs.onmessage = () => {
    void auth0.logout({ openUrl: false }).then(onSignOut)
  }
  await auth0.checkSession()
  return person()
}

async function person(): Promise<Person | undefined> {
  const user = await auth0.getUser()
  return user && { user, access: await api.http.json<Access>('GET', '/api/me/permissions') }
}

/** Opens the log-in page in a window of its own. Undefined says that it was closed without a log-in. */
export async function signIn(hint?: 'signup'): Promise<Person | undefined> {
  try {
    await auth0.loginWithPopup(hint && { authorizationParams: { screen_hint: hint } }, { timeoutInSeconds: 600 })
  } catch (error) {
    if (error instanceof PopupCancelledError) return undefined
    throw error
  }
  return person()
}

export async function signOut(): Promise<void> {
  otherTabs.postMessage('signed out')
  await auth0.logout({ logoutParams: { returnTo: here(config.logoutRedirectUri) } })
}
