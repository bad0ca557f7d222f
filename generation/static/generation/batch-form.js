/** The form of a batch: what the server would refuse to read is said here, and a second click starts nothing. */

import { find } from './dom.js';

// What the form's own names and borders add to the body.
const AROUND_BYTES = 4096;

const form = find(document, '#new-batch', HTMLFormElement);
const submit = find(form, '[type="submit"]', HTMLButtonElement);
const pasted = find(form, '#id_pasted', HTMLTextAreaElement);
const file = find(form, '#id_file', HTMLInputElement);

form.addEventListener('submit', (event) => {
  const tooLarge = size() + AROUND_BYTES > Number(form.dataset.maxBytes);
  if (tooLarge) complain(form.dataset.tooLarge ?? '');
  if (tooLarge || submit.getAttribute('aria-disabled') === 'true') event.preventDefault();
  else submit.setAttribute('aria-disabled', 'true');
});

// Back from the batch, the form may be shown as it was left.
addEventListener('pageshow', () => submit.removeAttribute('aria-disabled'));

/** In bytes, as the browser sends it: with both characters of each line end. */
function size() {
  const text = new Blob([pasted.value.replace(/\n/g, '\r\n')]).size;
  return text + (file.files?.[0]?.size ?? 0);
}

/** @param {string} text */
function complain(text) {
  const box = find(document, '#form-error', HTMLElement);
  box.hidden = false;
  box.textContent = text;
  box.scrollIntoView({ block: 'nearest' });
}
