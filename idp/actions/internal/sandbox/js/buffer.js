// Buffer, as far as strings, tokens and digests need it.

const limit = 16 * 1024 * 1024;

const bounded = (size) => {
  if (typeof size !== 'number' || !(size >= 0) || size > limit) {
    throw new RangeError(`The value of "size" is out of range: ${String(size)}`);
  }
  return size;
};

const encodingOf = (name) => {
  const known = String(name === undefined ? 'utf8' : name).toLowerCase();
  switch (known) {
    case 'utf8': case 'utf-8': return 'utf8';
    case 'latin1': case 'binary': case 'ascii': return 'latin1';
    case 'base64': case 'base64url': case 'hex': return known;
    default: throw new TypeError(`Unknown encoding: ${known}`);
  }
};

const toBytes = (text, encoding) => {
  switch (encodingOf(encoding)) {
    case 'utf8': return native.utf8(text);
    case 'latin1': return Uint8Array.from(text.split(''), (c) => c.charCodeAt(0) & 255).buffer;
    default: return native.decode(text, encodingOf(encoding));
  }
};

class Buffer extends Uint8Array {
  static from(value, encoding, length) {
    if (typeof value === 'string') return new Buffer(toBytes(value, encoding));
    if (value instanceof ArrayBuffer) return new Buffer(value, encoding, length);
    if (value && value.type === 'Buffer' && Array.isArray(value.data)) value = value.data;
    if (value === null || typeof value !== 'object') {
      throw new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array.');
    }
    const copy = new Buffer(bounded(value.length || 0));
    for (let i = 0; i < copy.length; i++) copy[i] = value[i] & 255;
    return copy;
  }
  static alloc(size, fill, encoding) {
    const b = new Buffer(bounded(size));
    return fill === undefined ? b : b.fill(fill, 0, size, encoding);
  }
  static allocUnsafe(size) { return new Buffer(bounded(size)); }
  static isBuffer(value) { return value instanceof Buffer; }
  static isEncoding(name) {
    try { encodingOf(name); return typeof name === 'string'; } catch (e) { return false; }
  }
  static byteLength(value, encoding) {
    return typeof value === 'string' ? toBytes(value, encoding).byteLength : value.byteLength;
  }
  static concat(list, total) {
    const size = total === undefined ? list.reduce((n, b) => n + b.length, 0) : total;
    const all = new Buffer(bounded(size));
    let at = 0;
    for (const b of list) {
      if (at >= size) break;
      const part = at + b.length > size ? b.subarray(0, size - at) : b;
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
  static compare(a, b) {
    for (let i = 0; i < a.length && i < b.length; i++) {
      if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return Math.sign(a.length - b.length);
  }
  toString(encoding, start = 0, end = this.length) {
    const part = start === 0 && end >= this.length ? this : this.subarray(start, end);
    // A copy of its own, so that a view on a larger buffer is what it says.
    const bytes = part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength);
    switch (encodingOf(encoding)) {
      case 'utf8': return native.text(bytes, false);
      case 'latin1': return Array.from(part, (c) => String.fromCharCode(c)).join('');
      default: return native.encode(bytes, encodingOf(encoding));
    }
  }
  toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
  equals(other) { return Buffer.compare(this, other) === 0; }
  compare(other) { return Buffer.compare(this, other); }
  write(text, offset = 0) {
    const bytes = new Uint8Array(toBytes(String(text))).subarray(0, this.length - offset);
    this.set(bytes, offset);
    return bytes.length;
  }
  fill(value, start = 0, end = this.length, encoding = 'utf8') {
    if (typeof value !== 'string') return super.fill(value, start, end);
    const bytes = new Uint8Array(toBytes(value, encoding));
    for (let i = start; i < end; i++) this[i] = bytes.length ? bytes[(i - start) % bytes.length] : 0;
    return this;
  }
  slice(start, end) { return this.subarray(start, end); }
  readUInt8(at = 0) { return this[at]; }
  readUInt16BE(at = 0) { return (this[at] << 8) | this[at + 1]; }
  readUInt32BE(at = 0) { return ((this[at] << 24) | (this[at + 1] << 16) | (this[at + 2] << 8) | this[at + 3]) >>> 0; }
}

const isLatin1 = (text) => { for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) return false; return true; };

exports.Buffer = Buffer;
exports.btoa = (text) => {
  const s = String(text);
  if (!isLatin1(s)) throw new Error('Invalid character');
  return Buffer.from(s, 'latin1').toString('base64');
};
exports.atob = (text) => {
  const s = String(text).replace(/[\t\n\f\r ]/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(s) || s.replace(/=+$/, '').length % 4 === 1) {
    throw new Error('The string to be decoded is not correctly encoded.');
  }
  return Buffer.from(s, 'base64').toString('latin1');
};
