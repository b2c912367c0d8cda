import { Admin, Notification } from 'react-admin'

import { Dashboard } from './Dashboard.tsx'
import { authProvider } from './gen/authProvider.gen.ts'
import { dataProvider } from './gen/dataProvider.gen.ts'
import { resources } from './gen/resources.gen.tsx'
import { settings } from './gen/settings.gen.ts'
import { i18nProvider } from './i18n.ts'
import { Layout } from './Layout.tsx'
import { CallbackPage, LoginPage } from './LoginPage.tsx'
import { darkTheme, lightTheme } from './theme.ts'

// At the top, where it covers no button of a form.
const Note = () => <Notification anchorOrigin={{ vertical: 'top', horizontal: 'center' }} />

/**
 * The admin app. Pages of your own take the place of those that are made:
 * `resources({ items: { list: MyItemList } })`.
 */
export default function App() {
  return (
    <Admin
      authCallbackPage={CallbackPage}
      authProvider={authProvider}
      dataProvider={dataProvider}
      dashboard={Dashboard}
      darkTheme={darkTheme}
      disableTelemetry
      i18nProvider={i18nProvider}
      layout={Layout}
      loginPage={LoginPage}
      notification={Note}
      requireAuth
      theme={lightTheme}
      title={settings.title}
    >
      {resources()}
    </Admin>
  )
}
