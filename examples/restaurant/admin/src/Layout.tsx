import { MenuItem } from '@mui/material'
import type { ReactNode } from 'react'
import { AppBar, CheckForApplicationUpdate, Layout as RaLayout, Logout, UserMenu, useGetIdentity, useTranslate, useUserMenu } from 'react-admin'
import { Link } from 'react-router-dom'

import { LogInAgain } from './gen/LogInAgain.gen.tsx'
import { login } from './gen/settings.gen.ts'

function OwnAccount() {
  const t = useTranslate()
  const menu = useUserMenu()
  return <MenuItem component={Link} onClick={() => menu?.onClose()} to="/account">{t('account.title')}</MenuItem>
}

function Person() {
  const { identity } = useGetIdentity()
  return (
    <UserMenu label={identity?.fullName ?? 'ra.auth.user_menu'}>
      <OwnAccount />
      <Logout key="logout" />
    </UserMenu>
  )
}

const Bar = () => <AppBar color="inherit" elevation={0} userMenu={login.by !== 'none' && <Person />} />

/** What is around every page. */
export function Layout({ children }: { children: ReactNode }) {
  return (
    <RaLayout appBar={Bar}>
      {children}
      <CheckForApplicationUpdate />
      <LogInAgain />
    </RaLayout>
  )
}
