/** The wait for a whole program: skeleton cards that do not move, a clock, and a Cancel that works. */

import { find } from './dom.js';
import { elapsedText } from './eta.js';

export class ClassicWait {
  #section = find(document, '#classic', HTMLElement);
  #clock = find(this.#section, '.quiet-clock', HTMLElement);
  #cancel = find(this.#section, '.cancel', HTMLButtonElement);

  /**
   * Shown until `work` settles; its signal aborts on Cancel.
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async during(work) {
    const abort = new AbortController();
    const began = Date.now();
    const draw = () => {
      this.#clock.textContent = elapsedText(Date.now() - began);
    };
    const ticking = setInterval(draw, 1000);
    const stop = () => abort.abort();
    draw();
    this.#cancel.addEventListener('click', stop);
    this.#section.hidden = false;
    find(this.#section, 'h2', HTMLElement).focus();
    try {
      return await work(abort.signal);
    } finally {
      clearInterval(ticking);
      this.#cancel.removeEventListener('click', stop);
      this.#section.hidden = true;
    }
  }
}
