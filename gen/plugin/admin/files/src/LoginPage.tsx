import { Alert, Box, Button, Stack, TextField, Typography } from '@mui/material'
import { type SubmitEvent, useState } from 'react'
import { useLogin } from 'react-admin'

import { ApiError } from '../../client/src/index.gen.ts'
import { login, settings } from './gen/settings.gen.ts'

const words = `The ${login.label.toLowerCase()} or the password is not right. Check both and try again.`

/** Where people log in. */
export function LoginPage() {
  const logIn = useLogin()
  const [problem, setProblem] = useState('')
  const [busy, setBusy] = useState(false)

  const submit = async (form: HTMLFormElement) => {
    setBusy(true)
    setProblem('')
    try {
      await logIn(Object.fromEntries(new FormData(form)))
    } catch (error) {
      setProblem(error instanceof ApiError && error.status === 401 ? words : error instanceof Error ? error.message : 'The log-in failed.')
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
          <TextField autoComplete="username" autoFocus fullWidth id="identity" label={login.label} name="identity" type={login.type} />
          <TextField autoComplete="current-password" fullWidth id="password" label="Password" name="password" type="password" />
          <Button disabled={busy} size="large" type="submit" variant="contained">Log in</Button>
        </Stack>
      </Box>
    </Box>
  )
}
