/** Finds what the page must hold. */
export function find<T extends Element>(selector: string, type: new () => T): T {
  const element = document.querySelector(selector)
  if (!(element instanceof type)) throw new Error(`The page lacks ${selector}.`)
  return element
}

export const button = (selector: string): HTMLButtonElement => find(selector, HTMLButtonElement)
