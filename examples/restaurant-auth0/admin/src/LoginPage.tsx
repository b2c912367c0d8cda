import { Alert, Box, Button, Stack, TextField, Typography } from '@mui/material'
import { type SubmitEvent, useEffect, useState } from 'react'
import { Loading, useCheckAuth, useHandleAuthCallback, useLogin } from 'react-admin'
import { useLocation, useNavigate } from 'react-router-dom'

import { ApiError } from '../../client/src/index.gen.ts'
import { Forgot } from './gen/account/Forgot.gen.tsx'
import { login, settings } from './gen/settings.gen.ts'

const wrong = `The ${login.label.toLowerCase()} or the password is not right. Check both and try again.`

/** Where people log in: with their password, or by a button that leads to the issuer. */
export function LoginPage({ problem: first = '' }: { problem?: string }) {
  const logIn = useLogin()
  const path = useNextPath()
  const [problem, setProblem] = useState(first)
  const [busy, setBusy] = useState(false)
  useWayIn(path)

  const submit = async (form: HTMLFormElement) => {
    setBusy(true)
    setProblem('')
    try {
      await logIn({ ...Object.fromEntries(new FormData(form)), path }, path)
    } catch (error) {
      setProblem(error instanceof ApiError && error.status === 401 ? wrong : error instanceof Error ? error.message : 'The log-in failed.')
      setBusy(false)
    }
  }
  return (
    <Box component="main" sx={{ minHeight: '100svh', paddingInline: 'clamp(1.25rem, 8vw, 7rem)', paddingBlock: '10vh', backgroundColor: 'background.default' }}>
      <Box sx={{ maxWidth: '24rem' }}>
        <Typography sx={{ fontWeight: 600 }}>{settings.title}</Typography>
        <Typography component="h1" variant="h1" sx={{ marginTop: 4 }}>Log in</Typography>
        <Stack
          component="form"
          noValidate
          onSubmit={(event: SubmitEvent<HTMLFormElement>) => {
            event.preventDefault()
            void submit(event.currentTarget)
          }}
          spacing={2.25}
          sx={{ marginTop: 3.5 }}
        >
          {problem && <Alert severity="error" variant="outlined">{problem}</Alert>}
          {login.by !== 'issuer' && (
            <>
              <TextField autoComplete="username" autoFocus fullWidth id="identity" label={login.label} name="identity" type={login.type} />
              <TextField autoComplete="current-password" fullWidth id="password" label="Password" name="password" type="password" />
            </>
          )}
          <Forgot />
          <Button autoFocus={login.by === 'issuer'} disabled={busy} size="large" type="submit" variant="contained">Log in</Button>
        </Stack>
      </Box>
    </Box>
  )
}

/** Where the issuer leads back to. */
export function CallbackPage() {
  const { error } = useHandleAuthCallback()
  return error ? <LoginPage problem={error.message} /> : <Loading />
}

// Where the person wanted to be.
function useNextPath(): string {
  const state = useLocation().state as { nextPathname?: string; nextSearch?: string } | null
  return (state?.nextPathname ?? '/') + (state?.nextSearch ?? '')
}

// Who is logged in already goes on.
function useWayIn(path: string): void {
  const check = useCheckAuth()
  const navigate = useNavigate()
  useEffect(() => {
    check({}, false).then(() => navigate(path, { replace: true }), () => undefined)
  }, [check, navigate, path])
}
