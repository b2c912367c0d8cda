// Puts into tokens what the API and its web client know people by.
exports.onExecutePostLogin = async (event, api) => {
  const namespace = NAMESPACE;
  const audience = AUDIENCE;
  const withRoles = ROLES;

  const asked = event.resource_server && event.resource_server.identifier;
  if (audience !== '' && asked !== audience) {
    return; // a token for another API says nothing about people here
  }

  const user = { sub: event.user.user_id };
  for (const key of ['email', 'email_verified', 'name', 'nickname', 'picture', 'username']) {
    if (event.user[key] !== undefined && event.user[key] !== null) {
      user[key] = event.user[key];
    }
  }
  api.accessToken.setCustomClaim(namespace + '/user', user);

  // When they last proved who they are: access tokens do not say it themselves.
  const methods = (event.authentication && event.authentication.methods) || [];
  const times = methods.map((method) => Date.parse(method.timestamp)).filter((time) => time > 0);
  if (times.length > 0) {
    api.accessToken.setCustomClaim(namespace + '/auth_time', Math.floor(Math.max(...times) / 1000));
  }

  if (withRoles) {
    const roles = (event.authorization && event.authorization.roles) || [];
    api.accessToken.setCustomClaim(namespace + '/roles', roles);
    api.idToken.setCustomClaim(namespace + '/roles', roles);
  }
};
