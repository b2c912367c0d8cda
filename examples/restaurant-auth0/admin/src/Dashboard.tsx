import { Link, Paper, Stack, Typography } from '@mui/material'
import { Title, useCanAccess, useGetList, useGetResourceLabel, useResourceDefinitions } from 'react-admin'
import { Link as RouterLink } from 'react-router-dom'

import { RecentActivity } from './gen/account/RecentActivity.gen.tsx'
import { settings } from './gen/settings.gen.ts'

/** The first page: what there is, and how much of it. */
export function Dashboard() {
  const names = Object.values(useResourceDefinitions()).filter((d) => d.hasList).map((d) => d.name)
  return (
    <Stack spacing={3} sx={{ paddingBlock: 3 }}>
      <Title title={settings.title} />
      <Typography component="h1" variant="h1">{settings.title}</Typography>
      <Stack direction="row" spacing={2} useFlexGap sx={{ flexWrap: 'wrap' }}>
        {names.map((name) => <Count key={name} resource={name} />)}
      </Stack>
      <RecentActivity />
    </Stack>
  )
}

function Count({ resource }: { resource: string }) {
  const label = useGetResourceLabel()
  const { canAccess } = useCanAccess({ resource, action: 'list' })
  const { total } = useGetList(resource, { pagination: { page: 1, perPage: 1 } }, { enabled: canAccess === true })
  if (!canAccess) return null
  return (
    <Paper sx={{ minWidth: 180, padding: 2 }}>
      <Typography sx={{ color: 'text.secondary' }}>
        <Link component={RouterLink} to={`/${resource}`}>{label(resource, 2)}</Link>
      </Typography>
      <Typography sx={{ fontSize: '1.75rem', fontWeight: 600 }}>{total ?? ' '}</Typography>
    </Paper>
  )
}
