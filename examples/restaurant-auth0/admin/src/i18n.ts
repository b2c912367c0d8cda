import polyglot from 'ra-i18n-polyglot'
import english from 'ra-language-english'

import { messages } from './gen/messages.gen.ts'

const { ra } = english

/** The words of the pages. */
const words = {
  ...messages,
  ra: {
    ...ra,
    auth: { ...ra.auth, logout: 'Log out' },
    notification: {
      ...ra.notification,
      created: 'Created',
      updated: 'Saved |||| %{smart_count} saved',
      deleted: 'Deleted |||| %{smart_count} deleted',
    },
  },
}

export const i18nProvider = polyglot(() => words, 'en')
