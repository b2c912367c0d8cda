// Node's crypto, as far as digests and random values go.

const bytesOf = (data, encoding) => (typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data));
const out = (buffer, encoding) => {
  const b = new Buffer(buffer);
  return encoding === undefined || encoding === 'buffer' ? b : b.toString(encoding);
};

class Digest {
  #finish;
  #chunks = [];

  constructor(finish) { this.#finish = finish; }
  update(data, encoding) {
    if (this.#chunks === null) throw new Error('Digest already called');
    this.#chunks.push(bytesOf(data, encoding));
    return this;
  }
  digest(encoding) {
    if (this.#chunks === null) throw new Error('Digest already called');
    const all = Buffer.concat(this.#chunks);
    this.#chunks = null;
    return out(this.#finish(all), encoding);
  }
}

exports.createHash = (algorithm) => {
  native.hash(algorithm, '');
  return new Digest((data) => native.hash(algorithm, data));
};
exports.createHmac = (algorithm, key) => {
  const secret = bytesOf(key);
  native.hash(algorithm, '');
  return new Digest((data) => native.hmac(algorithm, secret, data));
};
exports.getHashes = () => ['md5', 'sha1', 'sha256', 'sha384', 'sha512'];
exports.randomBytes = (size, done) => {
  const b = new Buffer(native.random(size));
  if (typeof done !== 'function') return b;
  setTimeout(() => done(null, b), 0);
  return undefined;
};
exports.randomInt = (min, max) => {
  if (max === undefined) [min, max] = [0, min];
  const range = max - min;
  if (!Number.isSafeInteger(range) || range <= 0 || range > 2 ** 32) throw new RangeError('The range is not valid.');
  const top = 2 ** 32 - (2 ** 32 % range);
  for (;;) {
    const n = new Buffer(native.random(4)).readUInt32BE();
    if (n < top) return min + (n % range);
  }
};
exports.randomUUID = () => {
  const b = new Buffer(native.random(16));
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const s = b.toString('hex');
  return `${s.slice(0, 8)}-${s.slice(8, 12)}-${s.slice(12, 16)}-${s.slice(16, 20)}-${s.slice(20)}`;
};
exports.timingSafeEqual = (a, b) => {
  if (a.byteLength !== b.byteLength) throw new RangeError('Input buffers must have the same byte length');
  return native.equal(Buffer.from(a), Buffer.from(b));
};
exports.getRandomValues = (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  bytes.set(new Uint8Array(native.random(bytes.length)));
  return array;
};
exports.webcrypto = { randomUUID: exports.randomUUID, getRandomValues: exports.getRandomValues };
