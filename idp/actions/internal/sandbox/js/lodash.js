// lodash, the part that actions use. Chaining and the rest are not here.

const unsafe = (key) => key === '__proto__' || key === 'constructor' || key === 'prototype';
const pathOf = (path) => (Array.isArray(path) ? path : String(path).split(/[.[\]]+/).filter((p) => p !== ''));
const isNil = (v) => v === null || v === undefined;
const isObject = (v) => (typeof v === 'object' && v !== null) || typeof v === 'function';
const isPlainObject = (v) => typeof v === 'object' && v !== null
  && [null, Object.prototype].includes(Object.getPrototypeOf(v));
const list = (c) => (isNil(c) ? [] : typeof c === 'string' || typeof c.length === 'number' ? Array.from(c) : Object.values(c));
const pairs = (c) => (Array.isArray(c) ? c.map((v, i) => [i, v]) : Object.entries(isNil(c) ? {} : c));

const get = (object, path, fallback) => {
  let at = object;
  for (const key of pathOf(path)) {
    if (isNil(at)) return fallback;
    at = at[key];
  }
  return at === undefined ? fallback : at;
};

const isEqual = (a, b, seen = []) => {
  if (Object.is(a, b) || a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof RegExp) return String(a) === String(b);
  if (a instanceof Map || a instanceof Set) return a.size === b.size && isEqual([...a], [...b], seen);
  if (seen.some(([x, y]) => x === a && y === b)) return true;
  const inner = [...seen, [a, b]];
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length
    && keys.every((k) => Object.prototype.hasOwnProperty.call(b, k) && isEqual(a[k], b[k], inner));
};

const matches = (source) => (object) => !isNil(object) && Object.entries(source)
  .every(([k, v]) => (isPlainObject(v) ? matches(v)(object[k]) : isEqual(object[k], v)));

// iteratee is what lodash makes of a function, a path, an object or a pair.
const iteratee = (by) => {
  if (typeof by === 'function') return by;
  if (isNil(by)) return (v) => v;
  if (Array.isArray(by)) return (v) => isEqual(get(v, by[0]), by[1]);
  if (typeof by === 'object') return matches(by);
  return (v) => get(v, by);
};

const set = (object, path, value) => {
  if (!isObject(object)) return object;
  const keys = pathOf(path);
  if (keys.some(unsafe)) return object;
  let at = object;
  keys.forEach((key, i) => {
    if (i === keys.length - 1) at[key] = value;
    else {
      if (!isObject(at[key])) at[key] = /^\d+$/.test(keys[i + 1]) ? [] : {};
      at = at[key];
    }
  });
  return object;
};

const merge = (target, ...sources) => {
  for (const source of sources) {
    for (const [key, value] of Object.entries(isNil(source) ? {} : source)) {
      if (unsafe(key) || value === undefined) continue;
      if (isPlainObject(value) || Array.isArray(value)) {
        const base = isPlainObject(target[key]) || Array.isArray(target[key]) ? target[key] : Array.isArray(value) ? [] : {};
        target[key] = merge(base, value);
      } else target[key] = value;
    }
  }
  return target;
};

const compareBy = (tests, orders = []) => (a, b) => {
  for (let i = 0; i < tests.length; i++) {
    const [x, y] = [tests[i](a), tests[i](b)];
    if (x !== y) return (x < y || y === undefined ? -1 : 1) * (orders[i] === 'desc' ? -1 : 1);
  }
  return 0;
};
const flatArgs = (args) => args.flat();
const uniqBy = (c, by) => {
  const seen = new Set();
  return list(c).filter((v) => { const k = iteratee(by)(v); return seen.has(k) ? false : Boolean(seen.add(k)); });
};
const grouped = (c, by, add) => {
  const groups = {};
  for (const v of list(c)) { const k = iteratee(by)(v); if (!unsafe(k)) add(groups, k, v); }
  return groups;
};
const best = (c, by, better) => list(c).reduce((found, v) => (found === undefined || better(iteratee(by)(v), iteratee(by)(found)) ? v : found), undefined);
const words = (s) => (String(isNil(s) ? '' : s).match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) || []);
const upperFirst = (s) => { const t = String(isNil(s) ? '' : s); return t.charAt(0).toUpperCase() + t.slice(1); };
const where = (keep) => (object, by) => Object.fromEntries(pairs(object).filter(([k, v]) => keep(Boolean(iteratee(by)(v, k)))));

const _ = {
  get, set, isEqual, isNil, isObject, isPlainObject, merge, matches, iteratee, upperFirst, words, uniqBy,
  has: (o, path) => { const keys = pathOf(path); const last = keys.pop(); const at = keys.length ? get(o, keys) : o; return !isNil(at) && Object.prototype.hasOwnProperty.call(at, last); },
  unset(o, path) { const keys = pathOf(path); const last = keys.pop(); const at = keys.length ? get(o, keys) : o; return isNil(at) || delete at[last]; },
  pick: (o, ...keys) => flatArgs(keys).reduce((r, k) => (_.has(o, k) ? set(r, k, get(o, k)) : r), {}),
  omit(o, ...keys) { const r = _.cloneDeep(o); flatArgs(keys).forEach((k) => _.unset(r, k)); return r; },
  pickBy: where((ok) => ok), omitBy: where((ok) => !ok),
  assign: Object.assign, extend: Object.assign,
  defaults: (o, ...more) => more.reduce((r, m) => { for (const [k, v] of Object.entries(m || {})) if (r[k] === undefined && !unsafe(k)) r[k] = v; return r; }, o),
  clone: (v) => (Array.isArray(v) ? v.slice() : isPlainObject(v) ? { ...v } : v),
  cloneDeep: (v) => structuredClone(v),
  keys: (o) => Object.keys(isNil(o) ? {} : o), values: (o) => Object.values(isNil(o) ? {} : o),
  toPairs: (o) => Object.entries(isNil(o) ? {} : o), fromPairs: (p) => Object.fromEntries(p),
  mapValues: (o, by) => Object.fromEntries(pairs(o).map(([k, v]) => [k, iteratee(by)(v, k)])),
  mapKeys: (o, by) => Object.fromEntries(pairs(o).map(([k, v]) => [iteratee(by)(v, k), v])),
  invert: (o) => Object.fromEntries(Object.entries(o).map(([k, v]) => [v, k])),
  findKey: (o, by) => (pairs(o).find(([k, v]) => iteratee(by)(v, k)) || [])[0],

  map: (c, by) => pairs(c).map(([k, v]) => iteratee(by)(v, k, c)),
  filter: (c, by) => pairs(c).filter(([k, v]) => iteratee(by)(v, k, c)).map(([, v]) => v),
  reject: (c, by) => pairs(c).filter(([k, v]) => !iteratee(by)(v, k, c)).map(([, v]) => v),
  find: (c, by) => (pairs(c).find(([k, v]) => iteratee(by)(v, k, c)) || [])[1],
  findIndex: (c, by) => list(c).findIndex((v) => iteratee(by)(v)),
  some: (c, by) => pairs(c).some(([k, v]) => iteratee(by)(v, k, c)),
  every: (c, by) => pairs(c).every(([k, v]) => iteratee(by)(v, k, c)),
  reduce: (c, fn, ...init) => list(c).reduce(fn, ...init),
  forEach(c, fn) { for (const [k, v] of pairs(c)) if (fn(v, k, c) === false) break; return c; },
  includes: (c, v) => (typeof c === 'string' ? c.includes(v) : list(c).includes(v)),
  size: (c) => (c instanceof Map || c instanceof Set ? c.size : list(c).length),
  isEmpty: (c) => !isObject(c) ? !(typeof c === 'string' && c.length) : _.size(c) === 0,
  groupBy: (c, by) => grouped(c, by, (g, k, v) => { (g[k] = g[k] || []).push(v); }),
  keyBy: (c, by) => grouped(c, by, (g, k, v) => { g[k] = v; }),
  countBy: (c, by) => grouped(c, by, (g, k) => { g[k] = (g[k] || 0) + 1; }),
  partition: (c, by) => [_.filter(c, by), _.reject(c, by)],
  sortBy: (c, ...by) => list(c).sort(compareBy(by.length ? flatArgs(by).map(iteratee) : [iteratee()])),
  orderBy: (c, by, orders) => list(c).sort(compareBy([].concat(by).map(iteratee), [].concat(orders || []))),
  uniq: (c) => [...new Set(list(c))],
  union: (...lists) => [...new Set(lists.flat())],
  intersection: (first, ...more) => _.uniq(first).filter((v) => more.every((l) => list(l).includes(v))),
  difference: (first, ...more) => list(first).filter((v) => !more.flat().includes(v)),
  without: (c, ...values) => list(c).filter((v) => !values.includes(v)),
  compact: (c) => list(c).filter(Boolean),
  flatten: (c) => list(c).flat(), flattenDeep: (c) => list(c).flat(100), flatMap: (c, by) => _.map(c, by).flat(),
  chunk(c, n = 1) { const all = list(c); const r = []; for (let i = 0; n >= 1 && i < all.length; i += n) r.push(all.slice(i, i + n)); return r; },
  first: (c) => list(c)[0], head: (c) => list(c)[0], last: (c) => list(c).slice(-1)[0],
  take: (c, n = 1) => list(c).slice(0, n), drop: (c, n = 1) => list(c).slice(n),
  zip: (...lists) => Array.from({ length: Math.max(0, ...lists.map((l) => l.length)) }, (v, i) => lists.map((l) => l[i])),
  zipObject: (keys, values) => Object.fromEntries(keys.map((k, i) => [k, values[i]])),
  sum: (c) => list(c).reduce((a, b) => a + b, 0), sumBy: (c, by) => _.sum(_.map(c, by)),
  min: (c) => best(c, undefined, (a, b) => a < b), max: (c) => best(c, undefined, (a, b) => a > b),
  minBy: (c, by) => best(c, by, (a, b) => a < b), maxBy: (c, by) => best(c, by, (a, b) => a > b),
  times: (n, fn) => Array.from({ length: n }, (v, i) => fn(i)),
  range(from, to, step = 1) { const [a, b] = to === undefined ? [0, from] : [from, to]; const r = []; for (let i = a; step > 0 ? i < b : i > b; i += step) r.push(i); return r; },

  camelCase: (s) => words(s).map((w, i) => (i ? upperFirst(w.toLowerCase()) : w.toLowerCase())).join(''),
  kebabCase: (s) => words(s).map((w) => w.toLowerCase()).join('-'), snakeCase: (s) => words(s).map((w) => w.toLowerCase()).join('_'),
  startCase: (s) => words(s).map(upperFirst).join(' '), capitalize: (s) => upperFirst(String(s).toLowerCase()),
  lowerFirst: (s) => String(s).charAt(0).toLowerCase() + String(s).slice(1),
  toLower: (s) => String(s).toLowerCase(), toUpper: (s) => String(s).toUpperCase(), trim: (s) => String(s).trim(),
  startsWith: (s, t) => String(s).startsWith(t), endsWith: (s, t) => String(s).endsWith(t), split: (s, by) => String(s).split(by),
  toString: (v) => (isNil(v) ? '' : String(v)), toNumber: Number, castArray: (v) => (Array.isArray(v) ? v : [v]), toArray: list,
  isString: (v) => typeof v === 'string', isNumber: (v) => typeof v === 'number', isBoolean: (v) => typeof v === 'boolean',
  isFunction: (v) => typeof v === 'function', isArray: Array.isArray, isNull: (v) => v === null, isUndefined: (v) => v === undefined,
  isDate: (v) => v instanceof Date, isInteger: Number.isInteger, isError: (v) => v instanceof Error,
  noop() {}, identity: (v) => v, constant: (v) => () => v,
  once(fn) { let done = false; let v; return (...a) => { if (!done) { done = true; v = fn(...a); } return v; }; },
};
Object.assign(_, { each: _.forEach, entries: _.toPairs, contains: _.includes });
module.exports = _;
