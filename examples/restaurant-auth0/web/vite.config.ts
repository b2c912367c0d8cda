import { defineConfig, type Plugin } from 'vite'

import { settings } from './src/settings.ts'

// What the built page may load, and whom it may ask: the service and the issuer, nobody else.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "worker-src 'self'",
  "img-src 'self' https:", // pictures of dishes are wherever the menu says
  `connect-src ${settings.service} ${settings.issuer}`,
  `frame-src ${settings.issuer}`, // asks quietly whether the log-in goes on
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

const contentSecurityPolicy: Plugin = {
  name: 'content-security-policy',
  apply: 'build', // vite dev writes styles into the page
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
  ],
}

// A page cannot say by itself that no other page may have it in a frame.
const headers = { 'Content-Security-Policy': "frame-ancestors 'none'", 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' }

export default defineConfig({
  plugins: [contentSecurityPolicy],
  build: { target: 'es2022', assetsInlineLimit: 0 },
  server: { port: 5173, strictPort: true, fs: { allow: ['..'] } },
  preview: { port: 5173, strictPort: true, headers },
})
