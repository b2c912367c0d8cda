import { ApiError, type CreateItem, type Item } from '../../client/src/index.gen.ts'
import { button, h } from './dom.ts'
import { api, signIn } from './session.ts'

/** What a dialog does; its message for people when it is done. */
type Deed = () => Promise<string>

// A dialog says what went wrong and stays, with all that was typed.
function dialog(title: string, verb: string, kind: string, content: (Node | string)[], deed: Deed, done: (message: string) => void): HTMLFormElement {
  const note = h('div', { className: 'note bad', role: 'alert', hidden: true })
  const submit = h('button', { type: 'submit', className: `btn ${kind}` }, verb)
  const form = h('form', { className: 'form', noValidate: true }, ...content, note,
    h('div', { className: 'pair' }, button('Cancel', 'btn', () => { box.close() }), submit))
  const box = h('dialog', { ariaLabel: title, onclose: () => { box.remove() } }, h('h2', {}, title), form)

  form.onsubmit = (event) => {
    event.preventDefault()
    if (submit.ariaBusy === 'true') return // one press is enough
    submit.ariaBusy = 'true'
    void deed()
      .then((message) => { box.close(); done(message) }, (error: unknown) => { refuse(form, note, error) })
      .finally(() => { submit.ariaBusy = null })
  }
  document.body.append(box)
  box.showModal()
  return form
}

// What the service says of a field stands at the field, everything else above the buttons.
function refuse(form: HTMLFormElement, note: HTMLElement, error: unknown): void {
  const fields = error instanceof ApiError ? error.fields : {}
  const over = error instanceof ApiError && error.status === 401
  note.hidden = true
  for (const input of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input, textarea')) {
    const message = fields[input.name] ?? ''
    input.setAttribute('aria-invalid', String(message !== ''))
    const place = form.querySelector(`#${input.id}-error`)
    if (place) place.textContent = message
  }
  const wrong = form.querySelector<HTMLElement>('[aria-invalid=true]')
  if (wrong) {
    wrong.focus()
    return
  }
  note.hidden = false
  note.replaceChildren(over ? 'You are not signed in any more. ' : error instanceof Error ? error.message : String(error))
  if (over) {
    note.append(button('Sign in again', 'text', () => {
      void signIn().then((person) => { note.hidden = person !== undefined }, (again: unknown) => { refuse(form, note, again) })
    }))
  }
}

function field(name: string, label: string, input: HTMLInputElement | HTMLTextAreaElement): HTMLElement {
  Object.assign(input, { name, id: `item-${name}` })
  input.setAttribute('aria-describedby', `item-${name}-error`)
  return h('div', { className: 'field' }, h('label', { htmlFor: input.id }, label), input, h('p', { className: 'error', id: `${input.id}-error` }))
}

// What the service need not be asked about looks like an answer of it.
const wrong = (field: string, message: string): ApiError => new ApiError(400, 'bad-request', message, [{ field, code: 'invalid', message }])

/** Adds a dish, or changes one. */
export function editItem(item: Item | undefined, done: (message: string) => void): void {
  const form = dialog(item ? `Edit ${item.name}` : 'Add a dish', 'Save', 'primary', [
    field('name', 'Name', h('input', { value: item?.name ?? '', autocomplete: 'off' })),
    field('price', 'Price', h('input', { value: item?.price.toFixed(2) ?? '', inputMode: 'decimal', autocomplete: 'off' })),
    field('description', 'Description (optional)', h('textarea', { value: item?.description ?? '', rows: 3 })),
    field('image', 'Address of a picture (optional)', h('input', { value: item?.image ?? '', type: 'url', autocomplete: 'off' })),
  ], save, done)

  async function save(): Promise<string> {
    const typed = new FormData(form)
    const text = (name: string): string => (typed.get(name) as string).trim()
    const price = Number(text('price').replace(',', '.') || NaN)
    if (text('name') === '') throw wrong('name', 'Enter a name.')
    if (Number.isNaN(price)) throw wrong('price', 'Enter a price, such as 4.50.')
    const row: CreateItem = { name: text('name'), price, description: text('description') || null, image: text('image') || null }
    const saved = item ? await api.items.patch(item.id, row) : await api.items.create(row)
    return item ? `${saved.name} is saved.` : `${saved.name} is on the menu.`
  }
}

/** Asks, and deletes a dish. */
export function deleteItem(item: Item, done: (message: string) => void): void {
  dialog(`Delete ${item.name}?`, 'Delete', 'danger', [h('p', {}, 'It is gone from the menu for everybody. This cannot be undone.')], async () => {
    await api.items.remove(item.id)
    return `${item.name} is off the menu.`
  }, done)
}
