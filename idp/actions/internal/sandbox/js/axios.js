// axios: requests, instances, interceptors, errors.

const { send, AbortController } = native.load('fetch');

class AxiosError extends Error {
  constructor(message, code, config, request, response) {
    super(message);
    Object.assign(this, { name: 'AxiosError', code, config, request, response, isAxiosError: true, status: response && response.status });
  }
  toJSON() { return { message: this.message, name: this.name, code: this.code, status: this.status }; }
}

const isAbsolute = (url) => /^[a-z][a-z\d+.-]*:\/\//i.test(url);

const query = (params, serialize) => {
  if (!params) return '';
  if (typeof serialize === 'function') return serialize(params);
  if (params instanceof URLSearchParams) return params.toString();
  const pairs = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) {
    if (v === undefined || v === null) continue;
    if (Array.isArray(v)) v.forEach((one) => pairs.append(`${k}[]`, one));
    else if (v instanceof Date) pairs.append(k, v.toISOString());
    else pairs.append(k, typeof v === 'object' ? JSON.stringify(v) : v);
  }
  return pairs.toString();
};

const address = (config) => {
  let url = config.url || '';
  if (config.baseURL && !isAbsolute(url)) {
    url = url ? `${config.baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}` : config.baseURL;
  }
  const more = query(config.params, config.paramsSerializer && (config.paramsSerializer.serialize || config.paramsSerializer));
  return more ? url + (url.includes('?') ? '&' : '?') + more : url;
};

const headersOf = (config) => {
  const all = {};
  const add = (headers) => {
    for (const [n, v] of Object.entries(headers || {})) {
      if (v === undefined || v === null || typeof v === 'object') continue;
      for (const old of Object.keys(all)) if (old.toLowerCase() === n.toLowerCase()) delete all[old];
      all[n] = String(v);
    }
  };
  add({ Accept: 'application/json, text/plain, */*' });
  add(config.headers && config.headers.common);
  add(config.headers && config.headers[config.method]);
  add(config.headers);
  return all;
};

const encode = (config, headers) => {
  const has = Object.keys(headers).find((n) => n.toLowerCase() === 'content-type');
  const type = (value) => { if (!has) headers['Content-Type'] = value; };
  const { data } = config;
  if (data === undefined || data === null) return undefined;
  if (data instanceof URLSearchParams) { type('application/x-www-form-urlencoded;charset=utf-8'); return Buffer.from(data.toString()); }
  if (typeof data === 'string') { type('application/x-www-form-urlencoded'); return Buffer.from(data); }
  if (ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return Buffer.from(data);
  if (has && /x-www-form-urlencoded/i.test(headers[has])) return Buffer.from(query(data));
  type('application/json');
  return Buffer.from(JSON.stringify(data));
};

const decode = (config, body) => {
  if (config.responseType === 'arraybuffer') return body;
  const text = body.toString();
  if (config.responseType === 'text') return text;
  try { return text === '' ? text : JSON.parse(text); } catch (e) { return text; }
};

const dispatch = (config) => new Promise((resolve, reject) => {
  const headers = headersOf(config);
  const auth = config.auth && `${config.auth.username || ''}:${config.auth.password || ''}`;
  if (auth) headers.Authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
  const body = encode(config, headers);
  const url = address(config);
  const request = { method: config.method.toUpperCase(), path: url };
  if (config.signal) {
    const cancel = () => reject(new AxiosError('canceled', 'ERR_CANCELED', config, request));
    if (config.signal.aborted) return cancel();
    config.signal.addEventListener('abort', cancel);
  }
  const redirect = config.maxRedirects === 0 ? 'manual' : 'follow';
  return send({ url, method: request.method, headers: Object.entries(headers), timeout: config.timeout, redirect, body }, (err, answer) => {
    if (err) {
      const late = /time/i.test(err.message);
      const message = late && config.timeout ? `timeout of ${config.timeout}ms exceeded` : err.message;
      return reject(new AxiosError(message, late ? 'ECONNABORTED' : 'ERR_NETWORK', config, request));
    }
    const response = {
      data: decode(config, answer.body), status: answer.status, statusText: answer.statusText,
      headers: Object.fromEntries(answer.headers), config, request,
    };
    const valid = config.validateStatus === undefined ? (s) => s >= 200 && s < 300 : config.validateStatus;
    if (!valid || valid(response.status)) return resolve(response);
    const code = response.status >= 500 ? 'ERR_BAD_RESPONSE' : 'ERR_BAD_REQUEST';
    return reject(new AxiosError(`Request failed with status code ${response.status}`, code, config, request, response));
  });
});

const merge = (a, b) => ({ ...a, ...b, headers: { ...(a.headers || {}), ...(b.headers || {}) } });

const interceptors = () => {
  const list = [];
  return {
    list,
    use(ok, failed) { list.push([ok, failed]); return list.length - 1; },
    eject(i) { list[i] = null; },
  };
};

const create = (defaults = {}) => {
  const hooks = { request: interceptors(), response: interceptors() };
  const axios = (first, second) => {
    const given = typeof first === 'string' ? { ...(second || {}), url: first } : first || {};
    const config = merge(axios.defaults, given);
    config.method = String(config.method || 'get').toLowerCase();
    let chain = Promise.resolve(config);
    for (const h of hooks.request.list.slice().reverse()) if (h) chain = chain.then(h[0], h[1]);
    chain = chain.then(dispatch);
    for (const h of hooks.response.list) if (h) chain = chain.then(h[0], h[1]);
    return chain;
  };
  axios.defaults = { headers: {}, ...defaults };
  axios.interceptors = hooks;
  axios.request = axios;
  axios.getUri = (config) => address(merge(axios.defaults, config));
  for (const method of ['get', 'delete', 'head', 'options']) {
    axios[method] = (url, config) => axios({ ...(config || {}), method, url });
  }
  for (const method of ['post', 'put', 'patch']) {
    axios[method] = (url, data, config) => axios({ ...(config || {}), method, url, data });
  }
  axios.create = (more) => create(merge(axios.defaults, more || {}));
  return axios;
};

const axios = create();
module.exports = Object.assign(axios, {
  default: axios, axios, AxiosError,
  all: (list) => Promise.all(list),
  spread: (fn) => (list) => fn(...list),
  isAxiosError: (e) => Boolean(e && e.isAxiosError),
  isCancel: (e) => Boolean(e && e.code === 'ERR_CANCELED'),
  CancelToken: { source() { const c = new AbortController(); return { token: c.signal, cancel: () => c.abort() }; } },
});
