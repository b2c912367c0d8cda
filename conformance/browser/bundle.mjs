// Makes dist/: the SDK for pages as it is published, and the applications of
// site/ with the packages that they use.
import { copyFile, mkdir } from 'node:fs/promises'
import { build } from 'esbuild'

await mkdir('dist', { recursive: true })
await copyFile('node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.js', 'dist/auth0-spa-js.js')
await build({
  entryPoints: ['site/react.jsx', 'site/admin.jsx'],
  outdir: 'dist',
  bundle: true,
  format: 'iife',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  alias: { 'react-admin': './site/react-admin.js' },
  logLevel: 'warning',
})
