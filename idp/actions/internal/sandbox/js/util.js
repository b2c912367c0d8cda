// Node's util: format, inspect, promisify and their kin.

const maxDepth = 4;
const maxItems = 100;

const quote = (s) => `'${s.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n')}'`;

const show = (value, depth, seen) => {
  switch (typeof value) {
    case 'string': return depth === 0 ? value : quote(value.slice(0, 10000));
    case 'bigint': return `${value}n`;
    case 'symbol': return value.toString();
    case 'function': return `[Function: ${value.name || '(anonymous)'}]`;
    case 'object': break;
    default: return String(value);
  }
  if (value === null) return 'null';
  if (seen.includes(value)) return '[Circular]';
  if (value instanceof Error) return value.stack ? String(value.stack) : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return 'Promise';
  if (depth > maxDepth) return Array.isArray(value) ? '[Array]' : '[Object]';
  const inner = [...seen, value];
  const more = (n) => (n > maxItems ? [`... ${n - maxItems} more items`] : []);
  if (value instanceof Map) {
    const items = [...value].slice(0, maxItems).map(([k, v]) => `${show(k, depth + 1, inner)} => ${show(v, depth + 1, inner)}`);
    return `Map(${value.size}) { ${items.concat(more(value.size)).join(', ')} }`;
  }
  const isList = Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Set;
  if (isList) {
    const list = Array.from(value);
    const items = list.slice(0, maxItems).map((v) => show(v, depth + 1, inner)).concat(more(list.length));
    return items.length ? `[ ${items.join(', ')} ]` : '[]';
  }
  const keys = Object.keys(value);
  const items = keys.slice(0, maxItems)
    .map((k) => `${/^[A-Za-z_$][\w$]*$/.test(k) ? k : quote(k)}: ${show(value[k], depth + 1, inner)}`)
    .concat(more(keys.length));
  return items.length ? `{ ${items.join(', ')} }` : '{}';
};

const inspect = (value) => show(value, typeof value === 'string' ? 1 : 0.5, []);

const format = (...args) => {
  if (typeof args[0] !== 'string') return args.map((a) => (typeof a === 'string' ? a : inspect(a))).join(' ');
  let at = 1;
  const text = args[0].replace(/%[sdifjoOc%]/g, (spec) => {
    if (spec === '%%') return '%';
    if (at >= args.length) return spec;
    const arg = args[at++];
    switch (spec) {
      case '%s': return typeof arg === 'object' && arg !== null ? inspect(arg) : String(arg);
      case '%d': return String(Number(arg));
      case '%i': return String(Number.parseInt(arg, 10));
      case '%f': return String(Number.parseFloat(arg));
      case '%j': return JSON.stringify(arg);
      case '%c': return '';
      default: return inspect(arg);
    }
  });
  return [text, ...args.slice(at).map((a) => (typeof a === 'string' ? a : inspect(a)))].join(' ');
};

const custom = Symbol.for('nodejs.util.promisify.custom');

exports.inspect = inspect;
exports.format = format;
exports.promisify = (fn) => {
  if (typeof fn !== 'function') throw new TypeError('The "original" argument must be of type function.');
  if (fn[custom]) return fn[custom];
  return function promisified(...args) {
    return new Promise((resolve, reject) => {
      fn.call(this, ...args, (err, value) => (err ? reject(err) : resolve(value)));
    });
  };
};
exports.promisify.custom = custom;
exports.callbackify = (fn) => (...args) => {
  const done = args.pop();
  fn(...args).then((value) => done(null, value), (err) => done(err || new Error('rejected')));
};
exports.inherits = (child, parent) => {
  child.super_ = parent;
  Object.setPrototypeOf(child.prototype, parent.prototype);
};
exports.deprecate = (fn) => fn;
exports.isDeepStrictEqual = (a, b) => require('lodash').isEqual(a, b);
exports.types = {
  isDate: (v) => v instanceof Date, isRegExp: (v) => v instanceof RegExp, isPromise: (v) => v instanceof Promise,
};
Object.defineProperty(exports, 'TextEncoder', { get: () => TextEncoder });
Object.defineProperty(exports, 'TextDecoder', { get: () => TextDecoder });
