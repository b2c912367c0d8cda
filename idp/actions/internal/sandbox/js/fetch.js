// fetch, Headers, Request, Response and AbortController over the host's client.

const stringify = JSON.stringify;
const parse = JSON.parse;

class DOMException extends Error {
  constructor(message, name = 'Error') { super(message); this.name = name; }
}

class AbortSignal {
  aborted = false;
  reason = undefined;
  onabort = null;
  #listeners = [];

  addEventListener(name, fn) { if (name === 'abort') this.#listeners.push(fn); }
  removeEventListener(name, fn) { this.#listeners = this.#listeners.filter((l) => l !== fn); }
  throwIfAborted() { if (this.aborted) throw this.reason; }
  _abort(reason) {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
    const event = { type: 'abort', target: this };
    if (typeof this.onabort === 'function') this.onabort(event);
    for (const fn of this.#listeners) fn(event);
  }
  static abort(reason) { const s = new AbortSignal(); s._abort(reason); return s; }
  static timeout(ms) {
    const s = new AbortSignal();
    setTimeout(() => s._abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms);
    return s;
  }
}

class AbortController {
  signal = new AbortSignal();
  abort(reason) { this.signal._abort(reason); }
}

class Headers {
  #map = new Map();

  constructor(init = {}) {
    if (init === null) throw new TypeError('The init of Headers is null.');
    const pairs = init instanceof Headers || typeof init[Symbol.iterator] === 'function' ? Array.from(init) : Object.entries(init);
    for (const [name, value] of pairs) if (value !== undefined) this.append(name, value);
  }
  append(name, value) {
    const key = String(name).toLowerCase();
    this.#map.set(key, this.#map.has(key) ? `${this.#map.get(key)}, ${value}` : String(value));
  }
  set(name, value) { this.#map.set(String(name).toLowerCase(), String(value)); }
  get(name) { const v = this.#map.get(String(name).toLowerCase()); return v === undefined ? null : v; }
  has(name) { return this.#map.has(String(name).toLowerCase()); }
  delete(name) { this.#map.delete(String(name).toLowerCase()); }
  forEach(fn, self) { for (const [n, v] of this) fn.call(self, v, n, this); }
  entries() { return [...this.#map].sort(([a], [b]) => (a < b ? -1 : 1))[Symbol.iterator](); }
  keys() { return [...this.#map.keys()].sort()[Symbol.iterator](); }
  values() { return [...this].map(([, v]) => v)[Symbol.iterator](); }
  [Symbol.iterator]() { return this.entries(); }
}

class FormData {
  #pairs = [];
  append(name, value) { this.#pairs.push([String(name), String(value)]); }
  set(name, value) { this.delete(name); this.append(name, value); }
  delete(name) { this.#pairs = this.#pairs.filter(([n]) => n !== name); }
  get(name) { const p = this.#pairs.find(([n]) => n === name); return p ? p[1] : null; }
  has(name) { return this.get(name) !== null; }
  entries() { return this.#pairs[Symbol.iterator](); }
  [Symbol.iterator]() { return this.entries(); }
}

// encodeBody returns the bytes of a body and the type that goes with them.
const encodeBody = (body) => {
  if (body === undefined || body === null) return { bytes: null };
  if (body instanceof URLSearchParams) {
    return { bytes: Buffer.from(body.toString()), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  }
  if (body instanceof FormData) {
    const boundary = `----gate${require('crypto').randomBytes(12).toString('hex')}`;
    const escape = (s) => s.replace(/["\r\n]/g, encodeURIComponent);
    const parts = [...body].map(([n, v]) => `--${boundary}\r\nContent-Disposition: form-data; name="${escape(n)}"\r\n\r\n${v}\r\n`);
    return { bytes: Buffer.from(`${parts.join('')}--${boundary}--\r\n`), type: `multipart/form-data; boundary=${boundary}` };
  }
  if (body instanceof ArrayBuffer) return { bytes: Buffer.from(body) };
  if (ArrayBuffer.isView(body)) return { bytes: Buffer.from(body) };
  return { bytes: Buffer.from(String(body)), type: 'text/plain;charset=UTF-8' };
};

class Body {
  #bytes;
  bodyUsed = false;

  constructor(bytes) { this.#bytes = bytes || Buffer.alloc(0); }
  async #read() {
    if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read');
    this.bodyUsed = true;
    return this.#bytes;
  }
  async text() { return (await this.#read()).toString(); }
  async json() { return parse(await this.text()); }
  async arrayBuffer() { return Uint8Array.from(await this.#read()).buffer; }
  async bytes() { return Uint8Array.from(await this.#read()); }
  async buffer() { return this.#read(); }
  _copy() { return this.#bytes; }
}

class Response extends Body {
  constructor(body, { status = 200, statusText = '', headers = {}, url = '', redirected = false } = {}) {
    const { bytes, type } = encodeBody(body);
    super(bytes);
    this.status = status;
    this.statusText = statusText;
    this.headers = new Headers(headers);
    this.url = url;
    this.redirected = redirected;
    this.type = 'basic';
    if (type && !this.headers.has('content-type')) this.headers.set('content-type', type);
  }
  get ok() { return this.status >= 200 && this.status < 300; }
  clone() { return new Response(this._copy(), this); }
  static json(value, init = {}) {
    return new Response(stringify(value), { ...init, headers: { 'content-type': 'application/json', ...(init.headers || {}) } });
  }
}

class Request extends Body {
  constructor(input, init = {}) {
    const from = input instanceof Request ? input : null;
    const { bytes, type } = init.body === undefined && from ? { bytes: from._copy() } : encodeBody(init.body);
    super(bytes);
    this.url = from ? from.url : new URL(String(input)).href;
    this.method = String(init.method || (from ? from.method : 'GET')).toUpperCase();
    this.headers = new Headers(init.headers || (from ? from.headers : {}));
    this.redirect = init.redirect || (from ? from.redirect : 'follow');
    this.signal = init.signal || (from ? from.signal : undefined);
    if (type && !this.headers.has('content-type')) this.headers.set('content-type', type);
  }
}

// send hands a request to the host; done(error, answer) is called once.
const send = ({ url, method, headers, body, redirect, timeout }, done) => {
  native.start('http', stringify({
    url, method, headers, redirect, timeout, body: body && body.length ? native.encode(body, 'base64') : undefined,
  }), (failure, text) => {
    if (failure !== undefined) return done(new Error(failure));
    const answer = parse(text);
    answer.body = new Buffer(native.decode(answer.body || '', 'base64'));
    return done(undefined, answer);
  });
};

const fetch = (input, init) => new Promise((resolve, reject) => {
  const request = new Request(input, init);
  if (request.signal) {
    request.signal.throwIfAborted();
    request.signal.addEventListener('abort', () => reject(request.signal.reason));
  }
  const body = request._copy();
  if (body.length && (request.method === 'GET' || request.method === 'HEAD')) {
    throw new TypeError('Request with GET/HEAD method cannot have body.');
  }
  send({ url: request.url, method: request.method, headers: Array.from(request.headers), redirect: request.redirect, body }, (err, answer) => {
    if (err) {
      const failed = new TypeError('fetch failed');
      failed.cause = err;
      failed.message = `fetch failed: ${err.message}`;
      return reject(failed);
    }
    return resolve(new Response(answer.body, answer));
  });
});

Object.assign(exports, { fetch, Headers, Request, Response, FormData, AbortController, AbortSignal, DOMException, send });
