// What somebody writes who uses the restaurant from TypeScript. The compiler
// expects an error where a comment says so, and fails when there is none.
import createClient from 'openapi-fetch'
import type { components as helpdesk } from './documents/helpdesk.js'
import type { components, paths } from './documents/restaurant.js'

type Item = components['schemas']['Item']

// What has a default need not be sent: some may not send it.
export const ticket: helpdesk['schemas']['CreateTicket'] = { subject: 'Printer', description: 'It is on fire' }

function check(what: string, got: unknown, want: unknown) {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
}

// querySerializer writes groups and lists with brackets, as deep as they go:
// OpenAPI has no word for a list inside a group, such as price[$in][0].
function querySerializer(query: object, at = ''): string {
  return Object.entries(query).filter(([, v]) => v !== undefined).map(([key, value]) => {
    const name = at ? `${at}[${key}]` : key
    return typeof value === 'object' && value !== null ? querySerializer(value, name) : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  }).join('&')
}

export async function use(baseUrl: string, email: string, password: string) {
  const api = createClient<paths>({ baseUrl, querySerializer: (query) => querySerializer(query) })
  const login = await api.POST('/api/authentication', { body: { strategy: 'local', email, password } })
  if (!login.data) throw new Error(`log in: ${JSON.stringify(login.error)}`)
  const staff = createClient<paths>({ baseUrl, querySerializer: (query) => querySerializer(query), headers: { authorization: `Bearer ${login.data.accessToken}` } })

  const stranger = await api.POST('/api/items', { body: { name: 'Soup', price: 4.5 } })
  check('a stranger', [stranger.response.status, stranger.error?.name], [401, 'NotAuthenticated'])

  const made: Item[] = []
  for (const [name, price] of [['Soup', 4.5], ['Salad', 7.25], ['Steak', 24]] as const) {
    const { data, error } = await staff.POST('/api/items', { body: { name, price } })
    if (!data || Array.isArray(data)) throw new Error(`create: ${JSON.stringify(error)}`)
    made.push(data)
  }
  const many = await staff.POST('/api/items', { body: [{ name: 'Tea', price: 2 }, { name: 'Wine', price: 6, description: null }] })
  check('create many', Array.isArray(many.data) && many.data.map((i) => i.description), [null, null])

  const page = await api.GET('/api/items', {
    params: { query: { price: { $gte: 4.5, $lt: 10 }, $sort: { price: -1 }, $select: ['id', 'name', 'price'], $limit: 2 } },
  })
  if (!page.data) throw new Error(`list: ${JSON.stringify(page.error)}`)
  check('list', [page.data.total, page.data.data.map((i) => i.name)], [3, ['Salad', 'Wine']])
  const named = await api.GET('/api/items', { params: { query: { name: 'Steak', price: { $in: [1, 24] }, $search: 'stea' } } })
  check('list by name', named.data?.data.map((i) => i.price), [24])

  const either = await api.GET('/api/items', { params: { query: { $or: [{ name: 'Steak' }, { name: 'Wine' }], $sort: { name: 1 } } } })
  check('list with $or', either.data?.data.map((i) => i.name), ['Steak', 'Wine'])

  const [soup] = made
  if (!soup) throw new Error('nothing was made')
  const path = { id: soup.id }
  const patched = await staff.PATCH('/api/items/{id}', { params: { path }, body: { image: 'https://example.com/soup.png' } })
  check('patch', patched.data?.image, 'https://example.com/soup.png')
  const put = await staff.PUT('/api/items/{id}', { params: { path }, body: { name: 'Broth', price: 5 } })
  check('put', [put.data?.name, put.data?.image], ['Broth', null])
  const got = await api.GET('/api/items/{id}', { params: { path } })
  check('get', got.data, put.data)
  await staff.DELETE('/api/items/{id}', { params: { path } })
  const gone = await api.GET('/api/items/{id}', { params: { path } })
  check('get what is gone', [gone.response.status, gone.error?.name], [404, 'NotFound'])

  const me = await staff.GET('/api/me')
  check('me', me.data?.email, email)

  // What is wrong does not compile, but for a member too many, and the service
  // refuses all of it.
  const unknown = await staff.POST('/api/items', { body: { name: 'Pie', price: 3, colour: 'blue' } })
  // @ts-expect-error a price is a number
  const text = await staff.POST('/api/items', { body: { name: 'Pie', price: 'cheap' } })
  // @ts-expect-error the name is missing
  const nameless = await staff.POST('/api/items', { body: { price: 3 } })
  // @ts-expect-error there is no such operator
  const operator = await api.GET('/api/items', { params: { query: { price: { $regex: '.' } } } })
  // @ts-expect-error nobody sorts by an image of another entity
  const sort = await api.GET('/api/items', { params: { query: { $sort: { avatar: 1 } } } })
  check('wrong', [unknown, text, nameless, operator, sort].map((a) => a.response.status), [400, 400, 400, 400, 400])
}
