import { button, h, place } from './dom.ts'
import { menu } from './menu.ts'
import { type Person, signIn, signOut, start } from './session.ts'
import { settings } from './settings.ts'

let person: Person | undefined
let account = location.hash === '#you' // whether the page is that of the account, not the menu

const status = h('p', { className: 'note good', role: 'status' })

/** Draws the page for whoever is here, with a message if there is one. */
async function draw(message = ''): Promise<void> {
  const you = account && person !== undefined
  document.body.classList.toggle('open', !person)
  place('top').replaceChildren(...top(you))
  place('facts').replaceChildren(facts())
  status.textContent = message
  place('main').replaceChildren(status, ...(you ? yourself() : await menu(person, (done) => { run(draw(done), true) })))
}

function top(you: boolean): Node[] {
  const link = (text: string, href: string, current: boolean): HTMLElement => {
    const element = h('a', { href }, text)
    if (current) element.ariaCurrent = 'page'
    return element
  }
  const links = [link('Menu', '#menu', !you)]
  if (person) links.push(link(person.user.email ?? 'You', '#you', you))
  const buttons = person
    ? [button('Sign out', 'btn small', () => { run(signOut()) })]
    : [button('Sign up', 'btn small', () => { enter('signup') }), button('Sign in', 'btn small primary', () => { enter() })]
  return [
    h('p', { className: 'brand' }, h('img', { src: '/favicon.svg', alt: '' }), 'Restaurant'),
    h('nav', { ariaLabel: 'Pages' }, ...links),
    h('div', { className: 'who' }, ...buttons),
  ]
}

function enter(hint?: 'signup'): void {
  run(signIn(hint).then(async (somebody) => {
    person = somebody ?? person
    if (somebody) await draw(`You are signed in as ${somebody.user.email ?? 'yourself'}.`)
  }))
}

function yourself(): Node[] {
  const roles = person?.access.roles ?? []
  return [
    h('div', { className: 'head' }, h('h1', { tabIndex: -1 }, person?.user.email ?? 'You')),
    h('p', { className: 'lead' }, roles.length > 0 ? `Your roles: ${roles.join(', ')}.` : 'You have no role.'),
    h('p', { className: 'lead' }, 'Somebody gave you another one? Load this page again.'),
  ]
}

// As in the corner of a drawing: what this is, and what it talks to.
function facts(): HTMLElement {
  const may = Object.entries({ create: 'add', update: 'edit', delete: 'delete' } as const)
    .filter(([action]) => person?.access.entities['items']?.[action as 'create']).map(([, verb]) => verb)
  const rows = [
    ['You', person?.user.email ?? 'A visitor'],
    ['You may', ['read', ...may].join(', ')],
    ['Service', new URL(settings.service).host],
    ['Log-in', new URL(settings.issuer).host],
  ]
  return h('dl', { className: 'block' }, ...rows.map(([term = '', text = '']) => h('div', {}, h('dt', {}, term), h('dd', {}, text))))
}

// What fails is said in place of the page's own message.
function run(work: Promise<void>, thenFocus = false): void {
  const main = place('main')
  main.ariaBusy = 'true'
  work.catch((error: unknown) => {
    const note = h('div', { className: 'note bad', role: 'alert' }, error instanceof Error ? error.message : String(error), ' ')
    note.append(button('Try again', 'text', () => { location.reload() }))
    main.querySelector('.note.bad')?.remove()
    main.prepend(note)
  }).finally(() => {
    main.ariaBusy = null
    if (thenFocus) main.querySelector('h1')?.focus()
  })
}

const leftBy = location.pathname
if (leftBy !== '/') history.replaceState({}, '', '/') // a log-in or a log-out came back here
window.onhashchange = () => {
  if (location.hash === '#main') return // of the link that skips the head of the page
  account = location.hash === '#you'
  run(draw(), true)
}
run(start(() => {
  person = undefined
  run(draw('You were signed out in another window.'))
}).then((somebody) => {
  person = somebody
  return draw(leftBy === '/login' ? 'You are signed out.' : '')
}))
