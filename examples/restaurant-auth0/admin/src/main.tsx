import createCache from '@emotion/cache'
import { CacheProvider } from '@emotion/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createBrowserRouter, RouterProvider } from 'react-router-dom'

import App from './App.tsx'
import { settings } from './gen/settings.gen.ts'

// The page allows styles with the nonce of its answer alone.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce
const styles = createCache({ key: 'css', prepend: true, ...(nonce ? { nonce } : {}) })
const router = createBrowserRouter([{ path: '*', element: <App /> }], { basename: settings.path })

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element with the id root')
createRoot(root).render(
  <StrictMode>
    <CacheProvider value={styles}>
      {/* As a transition, the way to the log-in page waits for renders that each log out again. */}
      <RouterProvider router={router} useTransitions={false} />
    </CacheProvider>
  </StrictMode>,
)
