// The calls with which a plugin of a code generator (seen with node-auth0 ^4.1)
// makes a tenant ready, in its order and with its parameters.
const code = `
exports.onExecutePostLogin = async (event, api) => {
  if (event.authorization) {
    api.accessToken.setCustomClaim('user', event.user);
  }
};
`

export async function setUp(ManagementClient, { identifier, accessToken, audience }) {
  const domain = identifier.split('/')[2]
  const management = new ManagementClient({ domain, token: accessToken })
  const made = []

  const clients = await management.clients.getAll()
  let client = clients.data.find((c) => c.name === 'Amplication SPA')
  if (!client) {
    made.push('client')
    client = (await management.clients.create({
      name: 'Amplication SPA', app_type: 'spa', callbacks: ['http://localhost:3001/auth-callback'],
      allowed_logout_urls: ['http://localhost:3001/login'], web_origins: ['http://localhost:3001'], token_endpoint_auth_method: 'none',
    })).data
  }

  const apis = await management.resourceServers.getAll()
  let api = apis.data.find((a) => a.name === 'Amplication API')
  if (!api) {
    made.push('api')
    api = (await management.resourceServers.create({ name: 'Amplication API', identifier: audience, signing_alg: 'RS256' })).data
    await management.resourceServers.update({ id: api.id }, { scopes: [{ value: 'read:email', description: 'Read email' }] })
  }

  const name = 'Add user details to user response'
  const actions = await management.actions.getAll()
  let action = actions.data.actions.find((a) => a.name === name)
  if (!action) {
    made.push('action')
    action = (await management.actions.create({
      name, code, supported_triggers: [{ id: 'post-login', version: 'v2' }], runtime: 'node18',
    })).data
    for (let i = 0; action.status !== 'built' && i < 50; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      action = (await management.actions.get({ id: action.id })).data
    }
    await management.actions.deploy({ id: action.id })
  }
  await management.actions.updateTriggerBindings({ triggerId: 'post-login' }, {
    bindings: [{ display_name: name, ref: { type: 'action_id', value: action.id } }],
  })
  return { made, clientID: client.client_id, issuerURL: `https://${domain}/` }
}
