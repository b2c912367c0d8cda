// Node's http and https: request and get over the host's client.

const EventEmitter = require('events');
const { send } = native.load('fetch');

class IncomingMessage extends EventEmitter {
  constructor(answer) {
    super();
    this.statusCode = answer.status;
    this.statusMessage = answer.statusText;
    this.headers = Object.fromEntries(answer.headers);
    this.encoding = undefined;
  }
  setEncoding(encoding) { this.encoding = encoding; return this; }
  resume() { return this; }
  pipe() { throw new Error('response.pipe is not supported'); }
}

class ClientRequest extends EventEmitter {
  #options;
  #chunks = [];
  #sent = false;
  #aborted = false;

  constructor(options, listener) {
    super();
    this.#options = options;
    if (listener) this.once('response', listener);
  }
  setHeader(name, value) { this.#options.headers[name] = value; }
  getHeader(name) { return this.#options.headers[name]; }
  setTimeout(ms, fn) { this.#options.timeout = ms; if (fn) this.once('timeout', fn); return this; }
  write(chunk, encoding) { this.#chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk); return true; }
  abort() { this.destroy(); }
  destroy(err) {
    if (this.#aborted) return this;
    this.#aborted = true;
    Promise.resolve().then(() => { if (err) this.emit('error', err); this.emit('close'); });
    return this;
  }
  end(chunk, encoding) {
    if (this.#sent) return this;
    this.#sent = true;
    if (chunk) this.write(chunk, encoding);
    const { url, method, headers, timeout } = this.#options;
    send({ url, method, timeout, headers: Object.entries(headers).map(([n, v]) => [n, String(v)]), redirect: 'manual', body: Buffer.concat(this.#chunks) }, (err, answer) => {
      if (this.#aborted) return;
      if (err) { this.emit('error', err); return; }
      const message = new IncomingMessage(answer);
      this.emit('response', message);
      Promise.resolve().then(() => {
        if (answer.body.length) message.emit('data', message.encoding ? answer.body.toString(message.encoding) : answer.body);
        message.emit('end');
        message.emit('close');
      });
    });
    return this;
  }
}

const target = (input, more) => {
  const given = typeof input === 'string' || input instanceof URL ? {} : input;
  const o = { ...given, ...more };
  const url = given === input
    ? `${o.protocol || 'https:'}//${o.hostname || o.host || 'localhost'}${o.port ? `:${o.port}` : ''}${o.path || '/'}`
    : String(input);
  const headers = { ...(o.headers || {}) };
  if (o.auth) headers.Authorization = `Basic ${Buffer.from(o.auth).toString('base64')}`;
  return { url, headers, method: (o.method || 'GET').toUpperCase(), timeout: o.timeout };
};

exports.request = (input, options, listener) => {
  if (typeof options === 'function') [options, listener] = [{}, options];
  return new ClientRequest(target(input, options), listener);
};
exports.get = (...args) => exports.request(...args).end();
exports.Agent = class Agent {};
exports.globalAgent = new exports.Agent();
