// What ra-auth-auth0 takes from react-admin, which is large: the key under which
// react-admin looks for the page to go back to, and fetchUtils.fetchJson.
export const PreviousLocationStorageKey = '@react-admin/nextPathname'
export const fetchUtils = {
  async fetchJson(url, options) {
    const res = await fetch(url, options)
    if (!res.ok) throw Object.assign(new Error(res.statusText), { status: res.status })
    return { status: res.status, json: await res.json() }
  },
}
