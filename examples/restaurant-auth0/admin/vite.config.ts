import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

import { settings } from './src/gen/settings.gen.ts'

export default defineConfig({
  base: `${settings.path}/`,
  plugins: [react()],
  // The service writes a nonce of its own into each answer.
  html: { cspNonce: '__CSP_NONCE__' },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 2000 },
  // npm run dev, beside the service of gate dev.
  server: { proxy: { '/api': 'http://localhost:3000' }, fs: { allow: ['..'] } },
})
