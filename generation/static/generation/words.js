/** The scripts' words, from `generation/page_words.py`, in the page's language. */

import { embedded } from './dom.js';

/** @type {Record<string, string>} */
const WORDS = embedded('words') ?? {};

/**
 * @param {string} name
 * @param {Record<string, string | number>} [values]  for the `{…}` in the text
 */
export function word(name, values = {}) {
  return (WORDS[name] ?? '').replace(/\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole));
}

/** @param {string} text */
export function setTitle(text) {
  document.title = `${text} – HEP Companion`;
}
