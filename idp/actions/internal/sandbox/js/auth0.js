// auth0: the clients of Auth0's own SDK, versions 2 to 5, over fetch. An answer is
// the data itself, as in versions 2, 3 and 5, and has the data, the status and the
// headers besides, as in version 4.

class ManagementApiError extends Error {
  constructor(status, body) {
    super((body && body.message) || (body && body.error_description) || `status ${status}`);
    this.name = 'ManagementApiError';
    this.statusCode = status;
    this.errorCode = (body && (body.errorCode || body.error)) || undefined;
    this.error = body && body.error;
    this.body = body;
  }
}

// answerOf adds what version 4 wraps the data in.
const answerOf = (data, response) => {
  const result = data === undefined ? {} : data;
  if (typeof result !== 'object' || result === null) return { data: result, status: response.status };
  const hide = (name, value) => {
    if (!(name in result)) Object.defineProperty(result, name, { value, enumerable: false });
  };
  hide('data', result);
  hide('status', response.status);
  hide('statusText', response.statusText);
  hide('headers', response.headers);
  return result;
};

const read = async (response) => {
  const text = await response.text();
  let body;
  try { body = text === '' ? undefined : JSON.parse(text); } catch (e) { body = { message: text.slice(0, 200) }; }
  if (!response.ok) throw new ManagementApiError(response.status, body);
  return answerOf(body, response);
};

const post = (url, body) => fetch(url, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
}).then(read);

const hostOf = (domain) => String(domain).replace(/^https?:\/\//, '').replace(/\/+$/, '');

// withCallback lets the last argument be a callback, as version 2 has it.
const withCallback = (fn) => (...args) => {
  const done = typeof args[args.length - 1] === 'function' ? args.pop() : undefined;
  const promise = fn(...args);
  if (!done) return promise;
  promise.then((data) => done(null, data), (err) => done(err));
  return undefined;
};

const seg = encodeURIComponent;

// Each operation: method, path with {names}, and whether a body follows the
// parameters. What is left of the parameters is the query.
const operations = {
  users: {
    get: ['GET', 'users/{id}'], getAll: ['GET', 'users'], list: ['GET', 'users'],
    create: ['POST', 'users', 'body'], update: ['PATCH', 'users/{id}', 'body'], delete: ['DELETE', 'users/{id}'],
    getRoles: ['GET', 'users/{id}/roles'], assignRoles: ['POST', 'users/{id}/roles', 'body'],
    deleteRoles: ['DELETE', 'users/{id}/roles', 'body'], removeRoles: ['DELETE', 'users/{id}/roles', 'body'],
    getPermissions: ['GET', 'users/{id}/permissions'], assignPermissions: ['POST', 'users/{id}/permissions', 'body'],
    deletePermissions: ['DELETE', 'users/{id}/permissions', 'body'],
    link: ['POST', 'users/{id}/identities', 'body'], unlink: ['DELETE', 'users/{id}/identities/{provider}/{user_id}'],
    getLogs: ['GET', 'users/{id}/logs'], getUserOrganizations: ['GET', 'users/{id}/organizations'],
    listUsersByEmail: ['GET', 'users-by-email'], getByEmail: ['GET', 'users-by-email'],
  },
  usersByEmail: { getByEmail: ['GET', 'users-by-email'] },
  roles: {
    get: ['GET', 'roles/{id}'], getAll: ['GET', 'roles'], list: ['GET', 'roles'], create: ['POST', 'roles', 'body'],
    update: ['PATCH', 'roles/{id}', 'body'], delete: ['DELETE', 'roles/{id}'],
    getUsers: ['GET', 'roles/{id}/users'], assignUsers: ['POST', 'roles/{id}/users', 'body'],
    getPermissions: ['GET', 'roles/{id}/permissions'],
  },
  clients: { get: ['GET', 'clients/{client_id}'], getAll: ['GET', 'clients'], list: ['GET', 'clients'] },
  connections: { get: ['GET', 'connections/{id}'], getAll: ['GET', 'connections'], list: ['GET', 'connections'] },
  organizations: {
    get: ['GET', 'organizations/{id}'], getAll: ['GET', 'organizations'], list: ['GET', 'organizations'],
    getByName: ['GET', 'organizations/name/{name}'], getMembers: ['GET', 'organizations/{id}/members'],
    addMembers: ['POST', 'organizations/{id}/members', 'body'],
    getMemberRoles: ['GET', 'organizations/{id}/members/{user_id}/roles'],
    addMemberRoles: ['POST', 'organizations/{id}/members/{user_id}/roles', 'body'],
  },
  tickets: {
    changePassword: ['POST', 'tickets/password-change', 'body'], verifyEmail: ['POST', 'tickets/email-verification', 'body'],
  },
  jobs: { verifyEmail: ['POST', 'jobs/verification-email', 'body'] },
};

// nested are the groups of version 5: users.roles.list(id).
const nested = {
  roles: {
    list: ['GET', 'users/{id}/roles'], assign: ['POST', 'users/{id}/roles', 'body'], delete: ['DELETE', 'users/{id}/roles', 'body'],
  },
  permissions: {
    list: ['GET', 'users/{id}/permissions'], create: ['POST', 'users/{id}/permissions', 'body'],
    delete: ['DELETE', 'users/{id}/permissions', 'body'],
  },
};

// flat are the names of version 2, on the client itself.
const flat = {
  getUser: 'users.get', getUsers: 'users.getAll', createUser: 'users.create', updateUser: 'users.update',
  deleteUser: 'users.delete', getUserRoles: 'users.getRoles', assignRolestoUser: 'users.assignRoles',
  removeRolesFromUser: 'users.deleteRoles', getUserPermissions: 'users.getPermissions',
  assignPermissionsToUser: 'users.assignPermissions', getUsersByEmail: 'usersByEmail.getByEmail', linkUsers: 'users.link',
  unlinkUsers: 'users.unlink', getRole: 'roles.get', getRoles: 'roles.getAll', createRole: 'roles.create',
  getUsersInRole: 'roles.getUsers', assignUsersToRole: 'roles.assignUsers', getClients: 'clients.getAll',
  getClient: 'clients.get', getConnections: 'connections.getAll', createPasswordChangeTicket: 'tickets.changePassword',
  sendEmailVerification: 'jobs.verifyEmail',
};

class ManagementClient {
  #options;
  #token;

  constructor(options = {}) {
    if (!options.domain) throw new Error('Must provide a domain');
    this.#options = { ...options, domain: hostOf(options.domain) };
    for (const [group, names] of Object.entries(operations)) this[group] = this.#group(names);
    for (const [group, names] of Object.entries(nested)) this.users[group] = this.#group(names);
    for (const [name, path] of Object.entries(flat)) {
      const [group, method] = path.split('.');
      this[name] = (...args) => this[group][method](...args);
    }
    this.updateUserMetadata = withCallback((params, data) => this.users.update(params, { user_metadata: data }));
    this.updateAppMetadata = withCallback((params, data) => this.users.update(params, { app_metadata: data }));
  }
  getAccessToken() {
    const { token, domain, clientId, clientSecret, audience } = this.#options;
    if (token) return Promise.resolve(typeof token === 'function' ? token() : token);
    if (!this.#token) {
      this.#token = post(`https://${domain}/oauth/token`, {
        grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret,
        audience: audience || `https://${domain}/api/v2/`,
      }).then((answer) => answer.access_token);
    }
    return this.#token;
  }
  #group(names) {
    const group = {};
    for (const [name, operation] of Object.entries(names)) {
      group[name] = withCallback((...args) => this.#call(operation, args));
    }
    return group;
  }
  async #call([method, pattern, hasBody], args) {
    const rest = args.slice();
    const params = {};
    const names = (pattern.match(/\{\w+\}/g) || []).map((n) => n.slice(1, -1));
    if (names.length && typeof rest[0] === 'string') {
      for (const name of names) params[name] = rest.shift();
    } else if (names.length) {
      Object.assign(params, rest.shift());
    }
    const body = hasBody ? rest.shift() : undefined;
    if (!hasBody) Object.assign(params, rest.shift());
    let path = pattern;
    for (const name of names) {
      if (!params[name]) throw new Error(`Required parameter requestParameters.${name} was null or undefined.`);
      path = path.replace(`{${name}}`, seg(params[name]));
      delete params[name];
    }
    const query = new URLSearchParams(Object.entries(params).filter(([, v]) => v !== undefined)).toString();
    const response = await fetch(`https://${this.#options.domain}/api/v2/${path}${query ? `?${query}` : ''}`, {
      method,
      headers: { authorization: `Bearer ${await this.getAccessToken()}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
    return read(response);
  }
}

class AuthenticationClient {
  #options;

  constructor(options = {}) {
    if (!options.domain) throw new Error('Must provide a domain');
    this.#options = { ...options, domain: hostOf(options.domain) };
    const grant = (type) => withCallback((params = {}) => post(`https://${this.#options.domain}/oauth/token`, {
      client_id: this.#options.clientId, client_secret: this.#options.clientSecret, ...params, grant_type: type,
    }));
    this.oauth = { clientCredentialsGrant: grant('client_credentials'), refreshTokenGrant: grant('refresh_token') };
    this.clientCredentialsGrant = this.oauth.clientCredentialsGrant;
    const change = withCallback((params) => post(`https://${this.#options.domain}/dbconnections/change_password`, {
      client_id: this.#options.clientId, ...params,
    }));
    this.database = { changePassword: change, requestChangePasswordEmail: change };
    this.requestChangePasswordEmail = change;
  }
}

module.exports = { ManagementClient, AuthenticationClient, ManagementApiError, Auth0Error: ManagementApiError };
