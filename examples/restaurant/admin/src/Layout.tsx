import type { ReactNode } from 'react'
import { AppBar, CheckForApplicationUpdate, Layout as RaLayout, UserMenu, useGetIdentity } from 'react-admin'

function Person() {
  const { identity } = useGetIdentity()
  return <UserMenu label={identity?.fullName ?? 'ra.auth.user_menu'} />
}

const Bar = () => <AppBar color="inherit" elevation={0} userMenu={<Person />} />

/** What is around every page. */
export function Layout({ children }: { children: ReactNode }) {
  return (
    <RaLayout appBar={Bar}>
      {children}
      <CheckForApplicationUpdate />
    </RaLayout>
  )
}
