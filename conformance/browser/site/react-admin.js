// What ra-auth-auth0 and the pages take from react-admin, which is large: the key
// under which it looks for the page to go back to, fetchUtils.fetchJson, and useLogin.
import { createContext, useContext } from 'react'

export const PreviousLocationStorageKey = '@react-admin/nextPathname'
export const fetchUtils = {
  async fetchJson(url, options) {
    const res = await fetch(url, options)
    if (!res.ok) throw Object.assign(new Error(res.statusText), { status: res.status })
    return { status: res.status, json: await res.json() }
  },
}

export const LoginContext = createContext(() => {})
export const useLogin = () => useContext(LoginContext)
