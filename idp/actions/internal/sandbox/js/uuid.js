// uuid: random ones, names, checks.

const crypto = require('crypto');

const pattern = /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|0{8}-0{4}-0{4}-0{4}-0{12}|f{8}-f{4}-f{4}-f{4}-f{12})$/i;

const text = (b) => {
  const s = b.toString('hex');
  return `${s.slice(0, 8)}-${s.slice(8, 12)}-${s.slice(12, 16)}-${s.slice(16, 20)}-${s.slice(20, 32)}`;
};
const stamp = (b, version) => {
  b[6] = (b[6] & 0x0f) | (version << 4);
  b[8] = (b[8] & 0x3f) | 0x80;
  return text(b);
};
const named = (version, algorithm) => Object.assign((name, space) => {
  if (!exports.validate(space)) throw new TypeError('Invalid UUID');
  const digest = crypto.createHash(algorithm).update(Buffer.from(space.replace(/-/g, ''), 'hex')).update(name).digest();
  return stamp(digest.subarray(0, 16), version);
}, { DNS: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', URL: '6ba7b811-9dad-11d1-80b4-00c04fd430c8' });

exports.NIL = '00000000-0000-0000-0000-000000000000';
exports.v4 = () => crypto.randomUUID();
exports.v7 = () => {
  const b = crypto.randomBytes(16);
  b.set(Buffer.from(Date.now().toString(16).padStart(12, '0'), 'hex'));
  return stamp(b, 7);
};
exports.v3 = named(3, 'md5');
exports.v5 = named(5, 'sha1');
exports.validate = (s) => typeof s === 'string' && pattern.test(s);
exports.version = (s) => {
  if (!exports.validate(s)) throw new TypeError('Invalid UUID');
  return Number.parseInt(s[14], 16);
};
