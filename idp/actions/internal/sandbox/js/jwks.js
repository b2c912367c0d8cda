// jwks-rsa: signing keys of an issuer, fetched once an execution.

class SigningKeyNotFoundError extends Error {
  constructor(message) { super(message); this.name = 'SigningKeyNotFoundError'; }
}

class JwksClient {
  #options;
  #keys;

  constructor(options) { this.#options = options; }
  async getKeys() {
    const response = await fetch(this.#options.jwksUri, { headers: this.#options.requestHeaders || {} });
    if (!response.ok) throw new Error(`JWKS endpoint answered with status ${response.status}`);
    return (await response.json()).keys || [];
  }
  async getSigningKeys() {
    if (!this.#keys) this.#keys = this.getKeys();
    return (await this.#keys)
      .filter((k) => k.kty !== 'oct' && (k.use === undefined || k.use === 'sig'))
      .map((k) => ({ kid: k.kid, alg: k.alg, pem: native.jwkToPEM(JSON.stringify(k)) }))
      .filter((k) => k.pem !== null)
      .map(({ kid, alg, pem }) => ({ kid, alg, getPublicKey: () => pem, publicKey: pem, rsaPublicKey: pem }));
  }
  getSigningKey(kid, done) {
    const found = this.getSigningKeys().then((keys) => {
      const key = keys.find((k) => k.kid === kid) || (kid === undefined && keys.length === 1 ? keys[0] : undefined);
      if (!key) throw new SigningKeyNotFoundError(`Unable to find a signing key that matches '${kid}'`);
      return key;
    });
    if (typeof done !== 'function') return found;
    found.then((key) => done(null, key), done);
    return undefined;
  }
  getSigningKeyAsync(kid) { return this.getSigningKey(kid); }
}

module.exports = Object.assign((options) => new JwksClient(options), { JwksClient, SigningKeyNotFoundError });
