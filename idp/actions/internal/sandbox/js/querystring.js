// Node's querystring.

const value = (v) => encodeURIComponent(['string', 'number', 'boolean', 'bigint'].includes(typeof v) ? String(v) : '');

exports.escape = encodeURIComponent;
exports.unescape = (text) => { try { return decodeURIComponent(text); } catch (e) { return text; } };
exports.stringify = (object, sep = '&', eq = '=') => Object.entries(object || {})
  .flatMap(([k, v]) => (Array.isArray(v) ? v : [v]).map((one) => `${encodeURIComponent(k)}${eq}${value(one)}`))
  .join(sep);
exports.parse = (text, sep = '&', eq = '=') => {
  const result = Object.create(null);
  for (const part of String(text).split(sep)) {
    if (part === '') continue;
    const i = part.indexOf(eq);
    const [k, v] = (i < 0 ? [part, ''] : [part.slice(0, i), part.slice(i + eq.length)])
      .map((s) => exports.unescape(s.replace(/\+/g, ' ')));
    result[k] = k in result ? [].concat(result[k], v) : v;
  }
  return result;
};
exports.encode = exports.stringify;
exports.decode = exports.parse;
