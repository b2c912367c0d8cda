// The api objects of the triggers. A method records what it is asked to do; what
// that means is decided outside.

const stringify = JSON.stringify;
const parse = JSON.parse;

// recorders makes an object whose methods record themselves and return the api.
const recorders = (root, prefix, names) => {
  const object = {};
  for (let i = 0; i < names.length; i++) {
    const op = `${prefix}.${names[i]}`;
    object[names[i]] = (...args) => { native.record(op, ...args); return root; };
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
    const target = new (native.load('url').URL)(url);
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

// recorded are the members whose methods do nothing but record themselves.
const recorded = {
  access: ['deny'],
  accessToken: ['setCustomClaim', 'addScope', 'removeScope'],
  idToken: ['setCustomClaim'],
  user: ['setAppMetadata', 'setUserMetadata'],
  multifactor: ['enable'],
  authentication: ['challengeWith', 'challengeWithAny', 'enrollWith', 'enrollWithAny', 'recordMethod', 'setPrimaryUser'],
  session: life.concat('setCookieMode'),
  refreshToken: life,
  transaction: ['setMetadata'],
  validation: ['error'],
  prompt: ['render'],
  samlResponse: [
    'setAttribute', 'setAudience', 'setCreateUpnClaim', 'setDestination', 'setDigestAlgorithm', 'setEncryptionCert',
    'setEncryptionPublicKey', 'setIncludeAttributeNameFormat', 'setIssuer', 'setLifetimeInSeconds', 'setMapIdentities',
    'setMapUnknownClaimsAsIs', 'setNameIdentifierFormat', 'setNameIdentifierProbes',
    'setPassthroughClaimsWithNoMapping', 'setRecipient', 'setRelayState', 'setSignatureAlgorithm', 'setSigningCert',
    'setSigningKey', 'setSignResponse', 'setTypedAttributes',
  ],
};

// members of the api, by trigger.
const members = {
  'post-login': [
    'access', 'accessToken', 'idToken', 'user', 'multifactor', 'authentication', 'redirect', 'cache', 'session',
    'refreshToken', 'transaction', 'validation', 'prompt', 'rules', 'samlResponse',
  ],
  'credentials-exchange': ['access', 'accessToken', 'cache'],
  'pre-user-registration': ['access', 'user', 'validation', 'cache'],
  'post-user-registration': ['cache'],
  'post-change-password': ['cache'],
};

// make makes a member of the api when it is first used.
const make = (root, trigger, flow, name) => {
  switch (name) {
    case 'redirect': return redirectOf(root, flow);
    case 'cache': return cacheOf();
    case 'rules': return { wasExecuted: () => false };
    default: break;
  }
  if (name === 'accessToken' && trigger === 'credentials-exchange') return recorders(root, name, ['setCustomClaim']);
  return recorders(root, name, recorded[name]);
};

exports.names = (trigger) => members[trigger];
exports.make = make;
