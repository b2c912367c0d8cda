// jsonwebtoken: sign, verify, decode. The algorithms allowed follow from the key
// unless they are named, "none" does not exist.

class JsonWebTokenError extends Error {
  constructor(message, inner) { super(message); this.name = 'JsonWebTokenError'; if (inner) this.inner = inner; }
}
class TokenExpiredError extends JsonWebTokenError {
  constructor(message, expiredAt) { super(message); this.name = 'TokenExpiredError'; this.expiredAt = expiredAt; }
}
class NotBeforeError extends JsonWebTokenError {
  constructor(message, date) { super(message); this.name = 'NotBeforeError'; this.date = date; }
}

const units = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31557600 };

// seconds reads 60, "60" (milliseconds, as the original has it), "2 days", "10h".
const seconds = (span) => {
  if (typeof span === 'number') return span;
  const found = /^\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(span));
  if (!found) throw new Error('"expiresIn" should be a number of seconds or string representing a timespan');
  const unit = found[2].toLowerCase();
  if (unit === '' || unit === 'ms') return Math.floor(Number(found[1]) / 1000);
  const size = unit.startsWith('mo') ? undefined : units[unit[0]];
  if (!size) throw new Error(`unknown unit of time: ${unit}`);
  return Math.floor(Number(found[1]) * size);
};

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const secretOf = (key) => (key && typeof key === 'object' && !ArrayBuffer.isView(key) && key.key !== undefined ? key.key : key);
const isPEM = (key) => (typeof key === 'string' || Buffer.isBuffer(key)) && String(key).includes('-----BEGIN');

const sign = (payload, secret, options = {}) => {
  const key = secretOf(secret);
  if (key === undefined || key === null || key.length === 0) throw new Error('secretOrPrivateKey must have a value');
  const alg = options.algorithm || 'HS256';
  const header = { alg, typ: 'JWT', ...(options.keyid ? { kid: options.keyid } : {}), ...(options.header || {}) };
  let body = payload;
  if (typeof payload === 'object' && payload !== null && !Buffer.isBuffer(payload)) {
    body = { ...payload };
    const now = body.iat === undefined ? Math.floor(Date.now() / 1000) : body.iat;
    if (!options.noTimestamp) body.iat = now; else delete body.iat;
    if (options.expiresIn !== undefined) {
      if (body.exp !== undefined) throw new Error('Bad "options.expiresIn" option the payload already has an "exp" property.');
      body.exp = now + seconds(options.expiresIn);
    }
    if (options.notBefore !== undefined) body.nbf = now + seconds(options.notBefore);
    for (const [option, claim] of [['audience', 'aud'], ['issuer', 'iss'], ['subject', 'sub'], ['jwtid', 'jti']]) {
      if (options[option] === undefined) continue;
      if (body[claim] !== undefined) throw new Error(`Bad "options.${option}" option. The payload already has an "${claim}" property.`);
      body[claim] = options[option];
    }
    body = JSON.stringify(body);
  }
  const input = `${encode(header)}.${Buffer.from(body).toString('base64url')}`;
  return `${input}.${new Buffer(native.sign(alg, key, input)).toString('base64url')}`;
};

const decode = (token, options = {}) => {
  const parts = String(token).split('.');
  if (parts.length !== 3) return null;
  try {
    const header = JSON.parse(Buffer.from(parts[0], 'base64url').toString());
    const text = Buffer.from(parts[1], 'base64url').toString();
    let payload = text;
    try { payload = JSON.parse(text); } catch (e) { payload = text; }
    return options && options.complete ? { header, payload, signature: parts[2] } : payload;
  } catch (e) { return null; }
};

const matches = (want, got) => (want instanceof RegExp ? want.test(got) : want === got);
const list = (v) => (Array.isArray(v) ? v : [v]);

const checkClaims = (payload, options) => {
  const now = options.clockTimestamp || Math.floor(Date.now() / 1000);
  const leeway = options.clockTolerance || 0;
  if (payload.nbf !== undefined && !options.ignoreNotBefore) {
    if (typeof payload.nbf !== 'number') throw new JsonWebTokenError('invalid nbf value');
    if (payload.nbf > now + leeway) throw new NotBeforeError('jwt not active', new Date(payload.nbf * 1000));
  }
  if (payload.exp !== undefined && !options.ignoreExpiration) {
    if (typeof payload.exp !== 'number') throw new JsonWebTokenError('invalid exp value');
    if (now >= payload.exp + leeway) throw new TokenExpiredError('jwt expired', new Date(payload.exp * 1000));
  }
  if (options.audience !== undefined) {
    const ok = list(payload.aud).some((aud) => list(options.audience).some((want) => matches(want, aud)));
    if (!ok) throw new JsonWebTokenError(`jwt audience invalid. expected: ${list(options.audience).join(' or ')}`);
  }
  if (options.issuer !== undefined && !list(options.issuer).includes(payload.iss)) {
    throw new JsonWebTokenError(`jwt issuer invalid. expected: ${list(options.issuer)}`);
  }
  for (const [option, claim] of [['subject', 'sub'], ['jwtid', 'jti'], ['nonce', 'nonce']]) {
    if (options[option] !== undefined && payload[claim] !== options[option]) {
      throw new JsonWebTokenError(`jwt ${option} invalid. expected: ${options[option]}`);
    }
  }
  if (options.maxAge !== undefined) {
    if (typeof payload.iat !== 'number') throw new JsonWebTokenError('iat required when maxAge is specified');
    if (now >= payload.iat + seconds(options.maxAge) + leeway) {
      throw new TokenExpiredError('maxAge exceeded', new Date((payload.iat + seconds(options.maxAge)) * 1000));
    }
  }
};

const verifyWith = (token, secret, options) => {
  const parts = typeof token === 'string' ? token.split('.') : [];
  if (!token) throw new JsonWebTokenError('jwt must be provided');
  const decoded = parts.length === 3 ? decode(token, { complete: true }) : null;
  if (!decoded || !decoded.header) throw new JsonWebTokenError('jwt malformed');
  const key = secretOf(secret);
  if (!key || key.length === 0) throw new JsonWebTokenError('secret or public key must be provided');
  const allowed = options.algorithms || (isPEM(key)
    ? ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] : ['HS256', 'HS384', 'HS512']);
  if (!allowed.includes(decoded.header.alg)) throw new JsonWebTokenError('invalid algorithm');
  let good = false;
  try {
    good = native.verify(decoded.header.alg, key, `${parts[0]}.${parts[1]}`, new Buffer(native.decode(parts[2], 'base64url')));
  } catch (e) {
    throw new JsonWebTokenError(e.message, e);
  }
  if (!good) throw new JsonWebTokenError('invalid signature');
  if (typeof decoded.payload === 'object' && decoded.payload !== null) checkClaims(decoded.payload, options);
  return options.complete ? decoded : decoded.payload;
};

const verify = (token, secret, options, done) => {
  if (typeof options === 'function') [options, done] = [{}, options];
  const wanted = typeof options === 'object' && options !== null ? options : {};
  if (typeof secret === 'function') {
    if (typeof done !== 'function') throw new JsonWebTokenError('verify must be called asynchronous if secret or public key is provided as a callback');
    const decoded = decode(token, { complete: true });
    if (!decoded) return done(new JsonWebTokenError('jwt malformed'));
    return secret(decoded.header, (err, key) => {
      if (err) return done(new JsonWebTokenError(`error in secret or public key callback: ${err.message}`));
      return verify(token, key, wanted, done);
    });
  }
  if (typeof done !== 'function') return verifyWith(token, secret, wanted);
  let payload;
  try { payload = verifyWith(token, secret, wanted); } catch (e) { return done(e); }
  return done(null, payload);
};

module.exports = {
  decode, verify, JsonWebTokenError, TokenExpiredError, NotBeforeError,
  sign(payload, secret, options, done) {
    if (typeof options === 'function') [options, done] = [{}, options];
    if (typeof done !== 'function') return sign(payload, secret, options || {});
    let token;
    try { token = sign(payload, secret, options || {}); } catch (e) { return done(e); }
    return done(null, token);
  },
};
