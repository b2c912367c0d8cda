// Makes dist/: the SDK for pages as it is published, the applications of site/ with
// the packages that they use, and those of the guide to Auth0 with its own text.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'

await mkdir('dist', { recursive: true })
await copyFile('node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.js', 'dist/auth0-spa-js.js')

// A block of the guide that is a file says its name in the first line.
await mkdir('guide', { recursive: true })
const text = await readFile('auth0.md', 'utf8')
for (const [, name, code] of text.matchAll(/^```jsx?\n\/\/ (\S+\.jsx?)\n(.*?)^```$/gms)) await writeFile(`guide/${name}`, code)

// The admin as somebody would write it who leaves out what the guide says of routers.
const admin = await readFile('guide/main.jsx', 'utf8')
const hash = admin.replaceAll(/<\/?BrowserRouter>/g, (tag) => tag.replace('BrowserRouter', ''))
if (hash === admin) throw new Error('guide/main.jsx has no BrowserRouter')
await writeFile('guide/hash.jsx', hash)

await build({
  entryPoints: {
    'react': 'site/react.jsx', 'admin': 'site/admin.jsx', 'guide-spa': 'guide/main.js', 'guide-react': 'guide/app.jsx',
    'guide-admin': 'guide/main.jsx', 'guide-hash': 'guide/hash.jsx', 'guide-data': 'site/data.js',
  },
  outdir: 'dist',
  bundle: true,
  format: 'iife',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning',
})
