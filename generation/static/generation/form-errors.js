/** Puts what is wrong where it is wrong. */

import { find } from './dom.js';
import { word } from './words.js';

/** @typedef {import('./start-run.js').Problem} Problem */

/** @param {HTMLFormElement} form */
export function clearErrors(form) {
  for (const field of form.querySelectorAll('[data-field]')) {
    field.classList.remove('invalid');
    control(field).removeAttribute('aria-invalid');
    find(field, '.error', HTMLElement).hidden = true;
  }
  find(document, '#form-error', HTMLElement).hidden = true;
}

/**
 * Show a problem and move to it. What belongs to no field of this form goes to the box above it.
 * @param {HTMLFormElement} form
 * @param {Problem} problem
 */
export function showProblem(form, { fields, message, signedOut }) {
  const lost = Object.entries(fields).filter(([name, messages]) => !showAtField(form, name, messages));
  const invalid = form.querySelector('.invalid');
  if (invalid) control(invalid).focus();
  if (invalid && lost.length === 0) return;
  const box = find(document, '#form-error', HTMLElement);
  box.hidden = false;
  box.textContent = [message, ...lost.flatMap(([, messages]) => messages)].join(' ');
  if (signedOut) box.append(' ', signInLink());
  if (!invalid) box.scrollIntoView({ block: 'nearest' });
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {string[]} messages
 */
function showAtField(form, name, messages) {
  const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  if (!field) return false;
  field.classList.add('invalid');
  control(field).setAttribute('aria-invalid', 'true');
  const error = find(field, '.error', HTMLElement);
  error.textContent = messages.join(' ');
  error.hidden = false;
  return true;
}

/** In another tab, since this one holds the text. */
function signInLink() {
  const link = document.createElement('a');
  link.href = '/login/';
  link.target = '_blank';
  link.textContent = word('signIn');
  return link;
}

/** @param {Element} field */
function control(field) {
  return find(field, 'input, textarea, select', HTMLElement);
}
