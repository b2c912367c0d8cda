// TextEncoder, TextDecoder and structuredClone.

exports.TextEncoder = class TextEncoder {
  get encoding() { return 'utf-8'; }
  encode(text = '') { return new Uint8Array(native.utf8(String(text))); }
};

exports.TextDecoder = class TextDecoder {
  #fatal;
  constructor(label = 'utf-8', { fatal = false } = {}) {
    if (!/^(utf-?8|unicode-1-1-utf-8)$/i.test(label)) {
      throw new RangeError(`The "${label}" encoding is not supported`);
    }
    this.#fatal = fatal;
  }
  get encoding() { return 'utf-8'; }
  decode(bytes) { return bytes === undefined ? '' : native.text(bytes, this.#fatal); }
};

const clone = (value, seen) => {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`${String(value).slice(0, 60)} could not be cloned.`);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => { seen.set(value, copy); return copy; };
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(value.slice());
  if (value instanceof Map) {
    const copy = keep(new Map());
    value.forEach((v, k) => copy.set(clone(k, seen), clone(v, seen)));
    return copy;
  }
  if (value instanceof Set) {
    const copy = keep(new Set());
    value.forEach((v) => copy.add(clone(v, seen)));
    return copy;
  }
  const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
  if (value instanceof Error) {
    Object.setPrototypeOf(copy, Object.getPrototypeOf(value));
    Object.defineProperty(copy, 'message', { value: value.message, writable: true, configurable: true });
  }
  for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
  return copy;
};

exports.structuredClone = (value) => clone(value, new Map());
