/** The case text: its counter, its limits, an example. */

import { announcer } from './announcer.js';
import { find } from './dom.js';
import { word } from './words.js';

const TYPING_PAUSE_MS = 1500;

export class CaseField {
  #text = find(document, '#id_prompt', HTMLTextAreaElement);
  #counter = find(document, '#prompt-counter', HTMLElement);
  /** @type {number | undefined} */
  #pause;

  constructor() {
    this.#text.addEventListener('input', () => this.#count());
    const example = find(document, '#example', HTMLButtonElement);
    example.addEventListener('click', () => {
      // Not by `value`, which would empty the browser's undo.
      this.#text.focus();
      this.#text.select();
      if (!document.execCommand('insertText', false, word('example'))) this.#text.value = word('example');
      this.#count();
    });
    this.#draw();
  }

  get value() {
    return this.#text.value.trim();
  }

  /** As the server counts: characters, not UTF-16 units. */
  get missing() {
    return Math.max(0, this.#text.minLength - [...this.value].length);
  }

  /** @returns {string[]} what is wrong with the text */
  get errors() {
    return this.missing > 0 ? [word('tooShort', { n: this.#text.minLength })] : [];
  }

  #count() {
    const words = this.#draw();
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      // Elsewhere by now, the reader has more pressing things to hear.
      if (document.activeElement === this.#text) announcer.say(this.missing > 0 ? words : word('enough'));
    }, TYPING_PAUSE_MS);
  }

  #draw() {
    const missing = this.missing;
    const words =
      missing === 0
        ? word('written', { n: [...this.value].length, max: this.#text.maxLength })
        : word(missing === 1 ? 'oneMoreNeeded' : 'moreNeeded', { n: missing });
    this.#counter.textContent = words;
    this.#counter.dataset.enough = String(missing === 0);
    return words;
  }
}
