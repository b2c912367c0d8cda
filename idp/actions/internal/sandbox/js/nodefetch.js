// node-fetch, both as a function and with named members.

const all = native.load('fetch');
const fetch = (...args) => all.fetch(...args);

module.exports = Object.assign(fetch, {
  default: fetch, Headers: all.Headers, Request: all.Request, Response: all.Response, FormData: all.FormData,
  AbortError: all.DOMException, FetchError: TypeError,
});
