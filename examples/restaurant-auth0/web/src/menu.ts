import type { Item } from '../../client/src/index.gen.ts'
import { button, h } from './dom.ts'
import { deleteItem, editItem } from './form.ts'
import { api, type Person } from './session.ts'

const price = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 })

/** The menu, with the buttons that somebody may use. */
export async function menu(person: Person | undefined, changed: (message: string) => void): Promise<Node[]> {
  const may = person?.access.entities['items'] ?? {}
  const rows: HTMLElement[] = []
  for await (const item of api.items.each({ $sort: { name: 1 } })) rows.push(dish(item))

  const add = may.create ? [button('Add a dish', 'btn primary', () => { editItem(undefined, changed) })] : []
  const nothing = h('p', { className: 'empty' }, 'Nothing is on the menu yet.')
  return [h('div', { className: 'head' }, h('h1', { tabIndex: -1 }, 'Menu'), ...add), rows.length > 0 ? h('ul', { className: 'items' }, ...rows) : nothing]

  function dish(item: Item): HTMLElement {
    const what = h('div', { className: 'what' }, h('h2', {}, item.name))
    if (item.description) what.append(h('p', {}, item.description))
    const row = h('li', {}, ...picture(item), what, h('p', { className: 'price' }, price.format(item.price)))
    const acts: HTMLElement[] = []
    if (may.update) acts.push(act('Edit', '', item, () => { editItem(item, changed) }))
    if (may.delete) acts.push(act('Delete', 'danger', item, () => { deleteItem(item, changed) }))
    if (acts.length > 0) row.append(h('div', { className: 'acts' }, ...acts))
    return row
  }
}

// Buttons of rows name the row to those who do not see where they stand.
function act(verb: string, kind: string, item: Item, press: () => void): HTMLButtonElement {
  const element = button(verb, `btn small ${kind}`, press)
  element.append(h('span', { className: 'vh' }, ` ${item.name}`))
  return element
}

function picture({ image }: Item): HTMLElement[] {
  if (!image || !URL.canParse(image) || new URL(image).protocol !== 'https:') return []
  const element = h('img', { src: image, alt: '', loading: 'lazy', referrerPolicy: 'no-referrer' })
  element.onerror = () => { element.remove() }
  return [element]
}
