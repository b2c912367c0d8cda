import { MenuItem } from '@mui/material'
import type { ReactNode } from 'react'
import { AppBar, CheckForApplicationUpdate, Layout as RaLayout, Logout, UserMenu, useGetIdentity, usePermissions, useTranslate, useUserMenu } from 'react-admin'
import { Link } from 'react-router-dom'

import type { Access } from './gen/access.gen.ts'
import { LogInAgain } from './gen/LogInAgain.gen.tsx'
import { login } from './gen/settings.gen.ts'

function Page({ to, name }: { to: string; name: string }) {
  const t = useTranslate()
  const menu = useUserMenu()
  return <MenuItem component={Link} onClick={() => menu?.onClose()} to={to}>{t(name)}</MenuItem>
}

function Person() {
  const { identity } = useGetIdentity()
  const { permissions } = usePermissions<Access>()
  return (
    <UserMenu label={identity?.fullName ?? 'ra.auth.user_menu'}>
      <Page name="account.title" to="/account" />
      {permissions?.others?.audit && <Page name="account.activity.title" to="/account/activity" />}
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
