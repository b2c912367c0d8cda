// The log-in page of a react-admin application, for who is logged out: a button.
import { useLogin } from 'react-admin'

export function Login() {
  const login = useLogin()
  return (
    <main style={{ minHeight: '100vh', display: 'grid', placeContent: 'center', gap: '1.5rem', font: '1rem system-ui' }}>
      <h1 style={{ margin: 0, fontSize: '1.75rem' }}>WAB Admin</h1>
      <button type="button" onClick={() => login({})} style={{ font: 'inherit', padding: '0.75rem 1.5rem' }}>Log in</button>
    </main>
  )
}
