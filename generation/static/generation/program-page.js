/** The page of a program: keeps the focus where the work is, copies the text. Without this script its forms post. */

import { find } from './dom.js';
import { collected, putBack } from './typed.js';
import { word } from './words.js';

/** @type {import('./typed.js').Kept} */
let kept = { texts: [], ticks: [] };

document.addEventListener('htmx:beforeSwap', (event) => {
  const { target, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  if (target instanceof Element && target.id === 'program') kept = collected(target, requestConfig.elt);
});
document.addEventListener('htmx:afterSwap', () => {
  putBack(document, kept);
  kept = { texts: [], ticks: [] };
});
document.addEventListener('htmx:afterSettle', () => {
  const opened = document.querySelector('[data-focus-here]');
  const next = document.querySelector('#program[data-focus]');
  if (opened instanceof HTMLElement) {
    opened.removeAttribute('data-focus-here');
    opened.focus();
  } else if (next instanceof HTMLElement && next.dataset.focus) {
    focusOn(next.dataset.focus);
    delete next.dataset.focus;
  }
});
document.addEventListener('htmx:sendError', () => say(word('notSent')));
document.addEventListener('htmx:responseError', () => say(word('refused')));

document.addEventListener('click', async (event) => {
  const button = event.target instanceof Element ? event.target.closest('[data-copy], [data-copy-from]') : null;
  if (!(button instanceof HTMLElement)) return;
  if (button.dataset.copyFrom) await copied(Promise.resolve(textOf(button.dataset.copyFrom)));
  else if (button.dataset.copy) {
    event.preventDefault();
    await copied(recordText(button.dataset.copy));
  }
});

/**
 * The element, or the nearest one beside it that can take the focus: at either end one of the two arrows can't.
 * @param {string} id
 */
function focusOn(id) {
  const wanted = document.getElementById(id);
  if (!(wanted instanceof HTMLElement)) return;
  if (wanted instanceof HTMLButtonElement && wanted.disabled) {
    const other = wanted.parentElement?.querySelector('button:not(:disabled)');
    if (other instanceof HTMLElement) other.focus();
    return;
  }
  wanted.focus();
}

/** @param {string} id */
function textOf(id) {
  return find(document, `#${CSS.escape(id)}`, HTMLTextAreaElement).value;
}

/**
 * @param {string} url
 * @returns {Promise<string>}
 */
async function recordText(url) {
  const answer = await fetch(url, { credentials: 'same-origin', cache: 'no-store' });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).text;
}

/** @param {Promise<string>} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(await text);
    say(word('copied'));
  } catch {
    say(word('notCopied'));
  }
}

/**
 * Spoken, and seen for a while.
 * @param {string} text
 */
function say(text) {
  const region = find(document, '#status', HTMLElement);
  region.textContent = text;
  region.classList.replace('visually-hidden', 'toast');
  setTimeout(() => region.classList.replace('toast', 'visually-hidden'), 6000);
}
