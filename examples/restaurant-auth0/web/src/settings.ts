/** Where everything is. The service itself says the rest, at /api/auth-config.json. */
export const settings = {
  service: 'http://localhost:3000',
  issuer: 'http://localhost:3001', // in the cloud: https://shop.eu.auth0.com
}
