// The api objects of the triggers. A method records what it is asked to do; what
// that means is decided outside.

const stringify = JSON.stringify;
const parse = JSON.parse;

// methods makes an object whose methods record themselves and return the api.
const recorders = (root, prefix, names) => {
  const object = {};
  for (const name of names) {
    object[name] = (...args) => { native.record(`${prefix}.${name}`, ...args); return root; };
  }
  return object;
};

const cacheOf = () => {
  const call = (op, arg) => parse(native.call(`cache.${op}`, stringify(arg)));
  return {
    get: (key) => call('get', { key: String(key) }) || undefined,
    set: (key, value, options) => call('set', { key: String(key), value: String(value), ...(options || {}) }),
    delete: (key) => call('delete', { key: String(key) }),
  };
};

const redirectOf = (root, flow) => ({
  canRedirect: () => flow.can_redirect === true,
  sendUserTo(url, options) {
    const target = new URL(url);
    for (const [name, value] of Object.entries((options && options.query) || {})) {
      if (value !== undefined && value !== null) target.searchParams.set(name, String(value));
    }
    native.record('redirect.sendUserTo', target.href);
    return root;
  },
  encodeToken({ secret, expiresInSeconds = 900, payload = {} }) {
    const now = Math.floor(Date.now() / 1000);
    return require('jsonwebtoken').sign({
      ...payload, iss: flow.host, sub: flow.user_id, ip: flow.ip, iat: now, exp: now + Number(expiresInSeconds),
    }, secret, { algorithm: 'HS256' });
  },
  validateToken({ secret, tokenParameterName = 'session_token' }) {
    const token = (flow.parameters || {})[tokenParameterName];
    if (typeof token !== 'string' || token === '') {
      throw new Error(`There is no parameter "${tokenParameterName}" in the request.`);
    }
    const payload = require('jsonwebtoken').verify(token, secret, { algorithms: ['HS256'] });
    if (payload.exp === undefined) throw new Error('The session token does not expire.');
    if (payload.sub !== flow.user_id) throw new Error('The session token is for another user.');
    if (!flow.state || payload.state !== flow.state) throw new Error('The session token is for another log-in.');
    return payload;
  },
});

const life = ['revoke', 'setExpiresAt', 'setIdleExpiresAt', 'setMetadata', 'deleteMetadata', 'evictMetadata'];

// members of the api, by trigger.
const members = {
  'post-login': (root, flow) => ({
    access: recorders(root, 'access', ['deny']),
    accessToken: recorders(root, 'accessToken', ['setCustomClaim', 'addScope', 'removeScope']),
    idToken: recorders(root, 'idToken', ['setCustomClaim']),
    user: recorders(root, 'user', ['setAppMetadata', 'setUserMetadata']),
    multifactor: recorders(root, 'multifactor', ['enable']),
    authentication: recorders(root, 'authentication',
      ['challengeWith', 'challengeWithAny', 'enrollWith', 'enrollWithAny', 'recordMethod', 'setPrimaryUser']),
    redirect: redirectOf(root, flow),
    cache: cacheOf(),
    session: recorders(root, 'session', [...life, 'setCookieMode']),
    refreshToken: recorders(root, 'refreshToken', life),
    transaction: recorders(root, 'transaction', ['setMetadata']),
    validation: recorders(root, 'validation', ['error']),
    prompt: recorders(root, 'prompt', ['render']),
    rules: { wasExecuted: () => false },
    samlResponse: recorders(root, 'samlResponse', [
      'setAttribute', 'setAudience', 'setCreateUpnClaim', 'setDestination', 'setDigestAlgorithm', 'setEncryptionCert',
      'setEncryptionPublicKey', 'setIncludeAttributeNameFormat', 'setIssuer', 'setLifetimeInSeconds',
      'setMapIdentities', 'setMapUnknownClaimsAsIs', 'setNameIdentifierFormat', 'setNameIdentifierProbes',
      'setPassthroughClaimsWithNoMapping', 'setRecipient', 'setRelayState', 'setSignatureAlgorithm', 'setSigningCert',
      'setSigningKey', 'setSignResponse', 'setTypedAttributes',
    ]),
  }),
  'credentials-exchange': (root) => ({
    access: recorders(root, 'access', ['deny']),
    accessToken: recorders(root, 'accessToken', ['setCustomClaim']),
    cache: cacheOf(),
  }),
  'pre-user-registration': (root) => ({
    access: recorders(root, 'access', ['deny']),
    user: recorders(root, 'user', ['setAppMetadata', 'setUserMetadata']),
    validation: recorders(root, 'validation', ['error']),
    cache: cacheOf(),
  }),
  'post-user-registration': () => ({ cache: cacheOf() }),
  'post-change-password': () => ({ cache: cacheOf() }),
};

exports.create = (trigger, flow) => {
  const root = {};
  return Object.assign(root, members[trigger](root, flow || {}));
};
