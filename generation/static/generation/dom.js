/** Elements that a page's template promises. */

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} type
 * @returns {T}
 */
export function find(root, selector, type) {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new TypeError(`The page has no ${type.name} ${selector}.`);
  return found;
}

/**
 * What the template left in a `json_script`; null when it left none.
 * @param {string} id
 * @returns {any}
 */
export function embedded(id) {
  const text = document.getElementById(id)?.textContent;
  return text ? JSON.parse(text) : null;
}
