// A small application with auth0-react. Its settings are in the query of the
// first visit, and kept for when people come back from the provider.
import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { Auth0Provider, useAuth0, withAuthenticationRequired } from '@auth0/auth0-react'

const first = new URLSearchParams(location.search).get('settings')
if (first) sessionStorage.setItem('settings', first)
const settings = JSON.parse(sessionStorage.getItem('settings'))
const home = location.origin + '/react'

function Home() {
  const { isLoading, isAuthenticated, user, error, loginWithRedirect, loginWithPopup, logout } = useAuth0()
  if (isLoading) return <p role="status">Loading</p>
  return (
    <>
      {error && <p role="alert">{error.error}: {error.message}</p>}
      {isAuthenticated
        ? <>
            <p id="who">{user.email}</p>
            <Token />
            <button onClick={() => logout({ logoutParams: { returnTo: home } })}>Sign out</button>
          </>
        : <>
            <button onClick={() => loginWithRedirect({ appState: { returnTo: '/react/menu?dish=7' } })}>Sign in</button>
            <button onClick={() => loginWithPopup()}>Sign in by pop-up</button>
          </>}
    </>
  )
}

function Token() {
  const { getAccessTokenSilently } = useAuth0()
  const [token, setToken] = useState('')
  useEffect(() => { getAccessTokenSilently().then(setToken, (err) => setToken(err.error)) }, [getAccessTokenSilently])
  return <code id="token">{token}</code>
}

const Staff = withAuthenticationRequired(() => <p id="staff">Only for {useAuth0().user.email}</p>, {
  onRedirecting: () => <p role="status">Taking you to log in</p>,
  returnTo: '/react/staff?tab=2',
})

function App() {
  const [, again] = useState(0)
  const back = (state) => {
    history.replaceState({}, '', state?.returnTo ?? '/react')
    again((n) => n + 1)
  }
  return (
    <Auth0Provider {...settings} onRedirectCallback={back}>
      {location.pathname === '/react/staff' ? <Staff /> : <Home />}
    </Auth0Provider>
  )
}

createRoot(document.getElementById('root')).render(<App />)
