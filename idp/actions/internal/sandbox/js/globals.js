// The globals of an action. What is large is loaded when it is first used.

const stringify = JSON.stringify;
const utilOf = () => require('util');

const define = (name, value) => Object.defineProperty(globalThis, name,
  { value, writable: true, enumerable: false, configurable: true });

// lazy makes globals of members of one of our modules.
const lazy = (load, ...names) => {
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    Object.defineProperty(globalThis, name, {
      configurable: true,
      enumerable: false,
      get() { const value = load()[name]; define(name, value); return value; },
      set(value) { define(name, value); },
    });
  }
};

define('global', globalThis);

const print = (level) => (...args) => {
  const text = args.length === 1 && typeof args[0] === 'string' ? args[0] : utilOf().format(...args);
  native.call('console', stringify({ level, text: text.slice(0, 1e6) }));
};
define('console', {
  log: print('info'), info: print('info'), debug: print('debug'), trace: print('debug'), dir: print('info'),
  warn: print('warn'), error: print('error'),
  assert(ok, ...args) { if (!ok) print('error')('Assertion failed', ...args); },
});

const timer = (again) => (fn, ms, ...args) => {
  if (typeof fn !== 'function') throw new TypeError('The "callback" argument must be of type function.');
  const id = native.setTimer(() => fn(...args), Number(ms) || 0, again);
  return { id, ref() { return this; }, unref() { return this; }, hasRef: () => true, [Symbol.toPrimitive]: () => id };
};
const clear = (t) => { if (t !== undefined && t !== null) native.clearTimer(Number(t)); };
define('setTimeout', timer(false));
define('setInterval', timer(true));
define('setImmediate', (fn, ...args) => timer(false)(fn, 0, ...args));
define('clearTimeout', clear);
define('clearInterval', clear);
define('clearImmediate', clear);
define('queueMicrotask', (fn) => {
  if (typeof fn !== 'function') throw new TypeError('The "callback" argument must be of type function.');
  Promise.resolve().then(() => fn());
});

lazy(() => native.load('process'), 'process');
lazy(() => require('buffer'), 'Buffer', 'atob', 'btoa');
lazy(() => require('url'), 'URL', 'URLSearchParams');
lazy(() => native.load('encoding'), 'TextEncoder', 'TextDecoder', 'structuredClone');
lazy(() => native.load('fetch'), 'fetch', 'Headers', 'Request', 'Response', 'FormData',
  'AbortController', 'AbortSignal', 'DOMException');
lazy(() => ({ crypto: require('crypto').webcrypto }), 'crypto');
