// URL and URLSearchParams (WHATWG), and what is left of Node's older url module.

const formEncode = (text) => encodeURIComponent(text)
  .replace(/[!'()~]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase())
  .replace(/%20/g, '+');

const formDecode = (text) => {
  const s = text.replace(/\+/g, ' ');
  try { return decodeURIComponent(s); } catch (e) { return s; }
};

class URLSearchParams {
  #pairs = [];
  #changed = () => {};

  constructor(init = '', changed) {
    if (typeof changed === 'function') this.#changed = changed;
    if (typeof init === 'object' && init !== null) {
      const pairs = typeof init[Symbol.iterator] === 'function' ? Array.from(init) : Object.entries(init);
      for (const [name, value] of pairs) this.#pairs.push([String(name), String(value)]);
      return;
    }
    for (const part of String(init).replace(/^\?/, '').split('&')) {
      if (part === '') continue;
      const i = part.indexOf('=');
      this.#pairs.push(i < 0 ? [formDecode(part), ''] : [formDecode(part.slice(0, i)), formDecode(part.slice(i + 1))]);
    }
  }
  append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(); }
  delete(name) { this.#pairs = this.#pairs.filter(([n]) => n !== name); this.#changed(); }
  get(name) { const found = this.#pairs.find(([n]) => n === name); return found ? found[1] : null; }
  getAll(name) { return this.#pairs.filter(([n]) => n === name).map(([, v]) => v); }
  has(name) { return this.#pairs.some(([n]) => n === name); }
  set(name, value) {
    const at = this.#pairs.findIndex(([n]) => n === name);
    if (at < 0) return this.append(name, value);
    this.#pairs = this.#pairs.filter(([n], i) => n !== name || i === at);
    this.#pairs[at] = [String(name), String(value)];
    this.#changed();
  }
  sort() { this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#changed(); }
  forEach(fn, self) { for (const [n, v] of this.#pairs) fn.call(self, v, n, this); }
  get size() { return this.#pairs.length; }
  entries() { return this.#pairs.map(([n, v]) => [n, v])[Symbol.iterator](); }
  keys() { return this.#pairs.map(([n]) => n)[Symbol.iterator](); }
  values() { return this.#pairs.map(([, v]) => v)[Symbol.iterator](); }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return this.#pairs.map(([n, v]) => `${formEncode(n)}=${formEncode(v)}`).join('&'); }
}

class URL {
  #parts;
  #params;

  constructor(text, base) {
    this.#parts = native.parseURL(String(text), base === undefined ? undefined : String(base));
    if (this.#parts === null) {
      const e = new TypeError('Invalid URL');
      e.code = 'ERR_INVALID_URL';
      e.input = String(text);
      throw e;
    }
  }
  static canParse(text, base) { try { return Boolean(new URL(text, base)); } catch (e) { return false; } }

  get protocol() { return this.#parts.protocol; }
  get username() { return this.#parts.username; }
  get password() { return this.#parts.password; }
  get hostname() { return this.#parts.hostname; }
  get port() { return this.#parts.port; }
  get host() { return this.port ? `${this.hostname}:${this.port}` : this.hostname; }
  get pathname() { return this.#parts.pathname; }
  get search() { return this.#parts.search ? `?${this.#parts.search}` : ''; }
  get hash() { return this.#parts.hash ? `#${this.#parts.hash}` : ''; }
  get origin() { return /^https?:$/.test(this.protocol) ? `${this.protocol}//${this.host}` : 'null'; }
  get href() {
    const user = this.username || this.password
      ? `${encodeURIComponent(this.username)}${this.password ? `:${encodeURIComponent(this.password)}` : ''}@` : '';
    const slashes = this.#parts.opaque ? '' : '//';
    return `${this.protocol}${slashes}${user}${this.host}${this.pathname}${this.search}${this.hash}`;
  }
  get searchParams() {
    if (!this.#params) {
      this.#params = new URLSearchParams(this.#parts.search, () => { this.#parts.search = this.#params.toString(); });
    }
    return this.#params;
  }
  set protocol(v) { this.#parts.protocol = `${String(v).replace(/:$/, '')}:`; }
  set hostname(v) { this.#parts.hostname = String(v); }
  set port(v) { this.#parts.port = String(v); }
  set host(v) { const [name, port] = String(v).split(':'); this.hostname = name; this.port = port || ''; }
  set pathname(v) { this.#parts.pathname = encodeURI(String(v)).replace(/^(?!\/)/, '/'); }
  set search(v) { this.#parts.search = String(v).replace(/^\?/, ''); this.#params = undefined; }
  set hash(v) { this.#parts.hash = encodeURI(String(v).replace(/^#/, '')); }
  toString() { return this.href; }
  toJSON() { return this.href; }
}

exports.URL = URL;
exports.URLSearchParams = URLSearchParams;
exports.parse = (text, query = false) => {
  const u = new URL(text, 'http://relative.invalid/');
  const own = u.hostname !== 'relative.invalid';
  return {
    protocol: own ? u.protocol : null, host: own ? u.host : null, hostname: own ? u.hostname : null,
    port: u.port || null, pathname: u.pathname, search: u.search || null, hash: u.hash || null,
    path: u.pathname + u.search, href: own ? u.href : String(text), auth: u.username ? `${u.username}:${u.password}` : null,
    query: query ? Object.fromEntries(u.searchParams) : (u.search.slice(1) || null),
  };
};
exports.format = (u) => {
  if (typeof u === 'string' || u instanceof URL) return String(u);
  const host = u.host || (u.hostname ? u.hostname + (u.port ? `:${u.port}` : '') : '');
  const query = u.query && typeof u.query === 'object' ? new URLSearchParams(u.query).toString() : u.query;
  const search = u.search || (query ? `?${query}` : '');
  return `${u.protocol ? `${u.protocol.replace(/:?$/, ':')}//` : ''}${host}${u.pathname || ''}${search}${u.hash || ''}`;
};
exports.resolve = (from, to) => new URL(to, from).href;
