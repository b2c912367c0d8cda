// A browser without a window: it keeps cookies, follows redirects and fills in
// the forms of the identity provider.
import http from 'node:http'
import https from 'node:https'

export class Browser {
  #cookies = new Map() // host and name → value, as ports do not separate cookies

  // request returns {status, headers, body, url} of one request, unfollowed.
  async request(url, { method = 'GET', form, headers = {} } = {}) {
    const to = new URL(url)
    const body = form && new URLSearchParams(form).toString()
    const all = { accept: 'text/html', ...headers }
    const cookies = [...this.#cookies].filter(([k]) => k.startsWith(to.hostname + ' '))
    if (cookies.length) all.cookie = cookies.map(([k, v]) => `${k.split(' ')[1]}=${v}`).join('; ')
    if (body !== undefined) {
      all['content-type'] = 'application/x-www-form-urlencoded'
      all['content-length'] = Buffer.byteLength(body)
    }
    const res = await new Promise((resolve, reject) => {
      const client = to.protocol === 'https:' ? https : http
      const req = client.request(to, { method, headers: all, agent: false, timeout: 20_000 }, resolve)
      req.on('error', reject).on('timeout', () => req.destroy(new Error('timeout')))
      req.end(body)
    })
    const chunks = []
    for await (const chunk of res) chunks.push(chunk)
    this.#keep(to.hostname, res.headers['set-cookie'] ?? [])
    return { status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString(), url: to.href }
  }

  #keep(host, lines) {
    for (const line of lines) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim())
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      const of = (wanted) => attributes.find((a) => a.toLowerCase().startsWith(wanted + '='))?.split('=')[1]
      const gone = Number(of('max-age') ?? 1) <= 0 || Date.parse(of('expires') ?? '2999-01-01') < Date.now()
      if (gone) this.#cookies.delete(`${host} ${name}`)
      else this.#cookies.set(`${host} ${name}`, value)
    }
  }

  // cookie returns the value of a cookie of a host.
  cookie(host, name) {
    return this.#cookies.get(`${host} ${name}`)
  }

  // open requests a page and follows redirects until there is none, or until
  // one leads to an address that begins with stop: that is the answer then.
  async open(url, options = {}) {
    for (let hops = 0; hops < 15; hops++) {
      if (hops > 0 && options.stop && url.startsWith(options.stop)) return { status: 0, url, body: '', headers: {} }
      const res = await this.request(url, hops === 0 ? options : {})
      if (res.status < 300 || res.status > 399 || !res.headers.location) return res
      url = new URL(res.headers.location, res.url).href
    }
    throw new Error(`too many redirects, the last to ${url}`)
  }

  // submit posts the first form of a page with its hidden fields and more.
  async submit(page, fields = {}, options = {}) {
    const { action, hidden } = form(page)
    return this.open(action, {
      ...options, method: 'POST', form: { ...hidden, ...fields },
      headers: { origin: new URL(page.url).origin, 'sec-fetch-site': 'same-origin' },
    })
  }

  // login opens an authorization request, fills in the log-in page and returns
  // where that leads.
  async login(url, { email, password }, options = {}) {
    const page = await this.open(url, options)
    if (page.status !== 200 || !page.body.includes('name="password"')) {
      throw new Error(`no log-in page: ${page.status} ${page.url}\n${page.body.slice(0, 2000)}`)
    }
    return this.submit(page, { username: email, password }, options)
  }
}

// form returns the address and the hidden fields of the first form of a page.
export function form(page) {
  const text = page.body.match(/<form[^>]*method="post"[\s\S]*?<\/form>/i)?.[0]
  if (!text) throw new Error(`no form: ${page.status} ${page.url}\n${page.body.slice(0, 2000)}`)
  const attribute = (tag, name) => unescape(tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1])
  const hidden = {}
  for (const [tag] of text.matchAll(/<input[^>]*type="hidden"[^>]*>/gi)) {
    hidden[attribute(tag, 'name')] = attribute(tag, 'value') ?? ''
  }
  return { action: new URL(attribute(text, 'action') ?? page.url, page.url).href, hidden }
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"' }
  return text?.replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) => (code ? String.fromCharCode(code) : named[name] ?? all))
}

// scenario is what the Go test says about the provider.
export const scenario = JSON.parse(process.argv[2] ?? '{}')

// claims reads what a JWT says.
export const claims = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'))
export const header = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url'))

// listen serves an app on a free port of this machine until the test ends.
export async function listen(t, app, tls) {
  const server = tls ? https.createServer(tls, app) : http.createServer(app)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve) }))
  return `${tls ? 'https' : 'http'}://localhost:${server.address().port}`
}
