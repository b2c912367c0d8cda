// Puts into tokens what the API and its web client know people by.
exports.onExecutePostLogin = async (event, api) => {
  const namespace = NAMESPACE;
  const audience = AUDIENCE;
  const withRoles = ROLES;

  const asked = event.resource_server && event.resource_server.identifier;
  if (audience !== '' && asked !== audience) {
    return; // a token for another API says nothing about people here
  }

  // An application of somebody else learns what the person was asked for, and its
  // token does no more than its scope says: roles are for applications of the API.
  const metadata = event.client.metadata || {};
  const foreign = event.client.is_first_party === false || metadata.third_party === 'true';
  const scopes = (event.transaction && event.transaction.requested_scopes) || [];
  const allowed = (scope) => !foreign || scopes.includes(scope);
  if (foreign) {
    api.accessToken.setCustomClaim('third_party', true);
  }

  const user = { sub: event.user.user_id };
  const profile = allowed('profile') ? ['name', 'nickname', 'picture', 'username'] : [];
  for (const key of ['email', 'email_verified', ...profile]) {
    if (event.user[key] !== undefined && event.user[key] !== null) {
      user[key] = event.user[key];
    }
  }
  if (allowed('email')) {
    api.accessToken.setCustomClaim(namespace + '/user', user);
  }

  // When they last proved who they are: access tokens do not say it themselves.
  const methods = (event.authentication && event.authentication.methods) || [];
  const times = methods.map((method) => Date.parse(method.timestamp)).filter((time) => time > 0);
  if (times.length > 0) {
    api.accessToken.setCustomClaim(namespace + '/auth_time', Math.floor(Math.max(...times) / 1000));
  }

  if (withRoles && !foreign) {
    const roles = (event.authorization && event.authorization.roles) || [];
    api.accessToken.setCustomClaim(namespace + '/roles', roles);
    api.idToken.setCustomClaim(namespace + '/roles', roles);
  }
};
