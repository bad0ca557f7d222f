/** Asks the server for rows that have become something else, few requests for many rows. */

/** @typedef {'signedOut' | 'gone' | 'stale'} Trouble */

const AT_ONCE = 25;
const GAP_MS = 300;
const AGAIN_MS = 3000;
const TRIES = 5;

export class BatchRefresh {
  #url;
  #onRows;
  #onTrouble;
  /** @type {Set<string>} */
  #asked = new Set();
  #busy = false;

  /**
   * @param {string} url
   * @param {(fragment: Document) => void} onRows
   * @param {(trouble: Trouble) => void} onTrouble
   */
  constructor(url, onRows, onTrouble) {
    this.#url = url;
    this.#onRows = onRows;
    this.#onTrouble = onTrouble;
  }

  /** @param {string[]} ids  of runs; what is asked for already is not asked for again */
  ask(ids) {
    for (const id of ids) this.#asked.add(id);
    if (!this.#busy && this.#asked.size > 0) this.#work();
  }

  /** Whether the batch is still there for this person; any trouble is reported. */
  async check() {
    return (await this.#fetch([])) !== null;
  }

  async #work() {
    this.#busy = true;
    let tries = 0;
    while (this.#asked.size > 0 && tries < TRIES) {
      // What ends together is asked for together.
      await pause(tries > 0 ? AGAIN_MS : GAP_MS);
      const ids = [...this.#asked].slice(0, AT_ONCE);
      const fragment = await this.#fetch(ids);
      if (fragment === null) break;
      if (fragment === undefined) {
        tries += 1;
        continue;
      }
      tries = 0;
      for (const id of ids) this.#asked.delete(id);
      this.#onRows(fragment);
    }
    this.#busy = false;
    if (tries === TRIES) this.#onTrouble('stale');
  }

  /**
   * @param {string[]} ids
   * @returns {Promise<Document | null | undefined>} null where asking again is of no use, undefined where it may be
   */
  async #fetch(ids) {
    const query = new URLSearchParams(ids.map((id) => ['run', id]));
    /** @type {Response} */
    let response;
    let text;
    try {
      response = await fetch(`${this.#url}?${query}`, { credentials: 'same-origin', cache: 'no-store', redirect: 'manual' });
      text = await response.text();
    } catch {
      return undefined;
    }
    if (response.ok) return new DOMParser().parseFromString(text, 'text/html');
    // The only redirect there is leads to the sign-in page.
    if (response.type === 'opaqueredirect') this.#onTrouble('signedOut');
    else if (response.status === 404) this.#onTrouble('gone');
    else return undefined;
    return null;
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
