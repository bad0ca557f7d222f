/** The page's one polite status region: spoken only, or seen too as a toast. */

import { find } from './dom.js';

const GAP_MS = 5000;
const TOAST_MS = 8000;

class Announcer {
  #region = find(document, '#status', HTMLElement);
  #quietUntil = 0;
  /** @type {number | undefined} */
  #pending;
  /** @type {number | undefined} */
  #toast;

  /**
   * Speak, at most every five seconds; of what piles up meanwhile only the last is spoken.
   * @param {string} text
   */
  say(text) {
    clearTimeout(this.#pending);
    const wait = Math.max(0, this.#quietUntil - Date.now());
    this.#pending = setTimeout(() => this.#speak(text), wait);
  }

  /** @param {string} text */
  toast(text) {
    clearTimeout(this.#pending);
    clearTimeout(this.#toast);
    this.#speak(text);
    this.#region.classList.replace('visually-hidden', 'toast');
    this.#toast = setTimeout(() => this.clear(), TOAST_MS);
  }

  /**
   * A modal dialog makes the rest of the page inert, and an inert region is not spoken.
   * @param {Element} parent
   */
  moveTo(parent) {
    clearTimeout(this.#pending);
    this.clear();
    parent.append(this.#region);
  }

  /** @param {string} text */
  #speak(text) {
    this.#quietUntil = Date.now() + GAP_MS;
    this.#region.textContent = text;
  }

  clear() {
    this.#region.classList.replace('toast', 'visually-hidden');
    this.#region.textContent = '';
  }
}

export const announcer = new Announcer();
