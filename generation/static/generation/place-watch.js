/**
 * Asks again and again how a run stands that waits for its turn: nothing is written to its log while others are served.
 *
 * One request at a time, and none from a page that nobody looks at.
 */

import { fullJitter, retryAfterMs } from './backoff.js';

/** @typedef {import('./run-client.js').Timers} Timers */

/**
 * @typedef {object} PlaceWatchOptions
 * @property {(snapshot: Record<string, any>) => void} onSnapshot
 * @property {(url: string, init: RequestInit) => Promise<Response>} [fetch]
 * @property {Timers} [timers]
 * @property {() => number} [now]
 * @property {() => number} [random]
 * @property {EventTarget & {visibilityState: string}} [document]
 */

const EVERY_MS = 5000;
const GIVE_UP_MS = 15_000;
const MAX_DELAY_MS = 60_000;
const LONGEST_MS = 3_600_000;
const PASSING_STATUSES = new Set([408, 425, 429]);

/** @type {Timers} */
const ownTimers = {
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle),
};

export class PlaceWatch {
  #onSnapshot;
  #fetch;
  #timers;
  #now;
  #random;
  #document;
  /** @type {string | null} */
  #url = null;
  /** @type {AbortController | null} */
  #asking = null;
  /** @type {any} */
  #timer;
  /** It is time, but nobody looks. */
  #due = false;
  /** In a row. */
  #failures = 0;

  /** @param {PlaceWatchOptions} options */
  constructor(options) {
    this.#onSnapshot = options.onSnapshot;
    this.#fetch = options.fetch ?? ((/** @type {string} */ url, /** @type {RequestInit} */ init) => fetch(url, init));
    this.#timers = options.timers ?? ownTimers;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#document = options.document ?? globalThis.document;
    this.#document.addEventListener('visibilitychange', () => {
      if (this.#due) this.#look();
    });
  }

  /**
   * Watch the run of this snapshot's address, or with null none; the one that is watched goes on so.
   * @param {string | null} url
   */
  watch(url) {
    if (url === this.#url) return;
    this.#url = url;
    this.#timers.clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
    this.#due = false;
    this.#failures = 0;
    if (url !== null) this.#wait(EVERY_MS);
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#timer = this.#timers.setTimeout(() => this.#look(), ms);
  }

  #look() {
    this.#due = this.#document.visibilityState !== 'visible';
    if (!this.#due && this.#url !== null) this.#ask(this.#url);
  }

  /** @param {string} url */
  async #ask(url) {
    const asking = new AbortController();
    this.#asking = asking;
    const giveUp = this.#timers.setTimeout(() => asking.abort(), GIVE_UP_MS);
    const answer = await this.#answer(url, asking.signal);
    this.#timers.clearTimeout(giveUp);
    if (this.#asking !== asking) return;
    this.#asking = null;
    if (answer.refused) return;
    if (answer.snapshot) {
      this.#failures = 0;
      this.#wait(EVERY_MS);
      this.#onSnapshot(answer.snapshot);
      return;
    }
    this.#failures += 1;
    const jitter = fullJitter({ attempt: this.#failures, baseMs: EVERY_MS, capMs: MAX_DELAY_MS, random: this.#random });
    this.#wait(Math.min(Math.max(EVERY_MS, answer.retryAfterMs ?? 0), LONGEST_MS) + jitter);
  }

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @returns {Promise<{snapshot?: Record<string, any>, retryAfterMs?: number | null, refused?: boolean}>}
   */
  async #answer(url, signal) {
    const fetch = this.#fetch;
    try {
      const headers = { Accept: 'application/json' };
      const response = await fetch(url, { headers, signal, credentials: 'same-origin', cache: 'no-store' });
      if (response.ok) return { snapshot: await response.json() };
      // Why it is refused, the stream says.
      if (response.status < 500 && !PASSING_STATUSES.has(response.status)) return { refused: true };
      return { retryAfterMs: retryAfterMs(response.headers.get('Retry-After'), this.#now()) };
    } catch {
      return {};
    }
  }
}
