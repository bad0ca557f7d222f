/** The history: what htmx can't say by itself. */

import { find } from './dom.js';
import { word } from './words.js';

document.addEventListener('htmx:beforeRequest', () => complain(''));
document.addEventListener('htmx:sendError', () => complain(word('unreachable')));
document.addEventListener('htmx:responseError', () => complain(word('unreachable')));
document.addEventListener('htmx:afterSettle', () => {
  const revealed = document.querySelector('[data-focus-here]');
  if (!(revealed instanceof HTMLElement)) return;
  revealed.removeAttribute('data-focus-here');
  revealed.focus();
});

/** @param {string} text */
function complain(text) {
  const box = find(document, '#history-error', HTMLElement);
  box.hidden = text === '';
  box.textContent = text;
}
