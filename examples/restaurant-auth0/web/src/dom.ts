type Properties<E extends HTMLElement> = Partial<Omit<E, 'style' | 'dataset'>>

/** Makes an element. Children that are text stay text, whatever is in them. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name, properties: Properties<HTMLElementTagNameMap[Name]> = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}

/** Makes a button that does something. */
export const button = (text: string, className: string, press: () => void): HTMLButtonElement =>
  h('button', { type: 'button', className, onclick: press }, text)

/** Finds an element of index.html. */
export function place(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (!element) throw new Error(`index.html has no element with the id ${id}`)
  return element
}
