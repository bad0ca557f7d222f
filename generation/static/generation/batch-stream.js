/**
 * The state stream of a batch, through every cut of the line.
 *
 * The browser's own reconnect is not used: it gives up for good at the first refusal, such as that of a server which
 * restarts, and would begin again after the last message of a batch.
 */

import { fullJitter } from './backoff.js';

/** @typedef {import('./batch-state.js').Message} Message */
/** @typedef {import('./run-client.js').Timers} Timers */

/**
 * @typedef {{state: 'connecting'} | {state: 'connected'} | {state: 'ended'}
 *   | {state: 'retrying', inMs: number, refused: boolean}} StreamReport
 */

/**
 * @typedef {object} BatchStreamOptions
 * @property {string} url
 * @property {(message: Message) => void} onMessage
 * @property {(report: StreamReport) => void} onState
 * @property {typeof EventSource} [EventSource]
 * @property {Timers} [timers]
 * @property {() => number} [random]
 */

const BASE_DELAY_MS = 1000;
const MAX_DELAY_MS = 15_000;
/** Two and a half of the server's heartbeats. */
const STALL_MS = 37_500;
const CLOSED = 2;

/** @type {Timers} */
const ownTimers = {
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle),
};

export class BatchStream {
  #url;
  #onMessage;
  #onState;
  #EventSource;
  #timers;
  #random;
  /** @type {EventSource | null} */
  #source = null;
  /** @type {any} */
  #timer;
  /** In a row, since the line last brought anything. */
  #failures = 0;

  /** @param {BatchStreamOptions} options */
  constructor(options) {
    this.#url = options.url;
    this.#onMessage = options.onMessage;
    this.#onState = options.onState;
    this.#EventSource = options.EventSource ?? globalThis.EventSource;
    this.#timers = options.timers ?? ownTimers;
    this.#random = options.random ?? Math.random;
  }

  /** Begin, or begin again at once. */
  open() {
    this.#drop();
    const source = new this.#EventSource(this.#url);
    this.#source = source;
    this.#onState({ state: 'connecting' });
    source.addEventListener('open', () => {
      this.#alive();
      this.#onState({ state: 'connected' });
    });
    source.addEventListener('ping', () => this.#alive());
    source.addEventListener('message', ({ data }) => {
      this.#alive();
      this.#failures = 0;
      this.#take(JSON.parse(data));
    });
    source.addEventListener('error', () => this.#lost(source.readyState === CLOSED));
    this.#alive();
  }

  /** There is nothing more to hear. */
  close() {
    this.#drop();
    this.#onState({ state: 'ended' });
  }

  /** The network is back: don't wait any longer. */
  wake() {
    if (!this.#source && this.#timer !== undefined) this.open();
  }

  /** @param {Message} message */
  #take(message) {
    if (message.event === 'batch_complete') this.close();
    this.#onMessage(message);
  }

  #alive() {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = this.#timers.setTimeout(() => this.#lost(false), STALL_MS);
  }

  /** @param {boolean} refused  by an answer of the server, not by a cut */
  #lost(refused) {
    this.#drop();
    this.#failures += 1;
    const inMs = fullJitter({ attempt: this.#failures, baseMs: BASE_DELAY_MS, capMs: MAX_DELAY_MS, random: this.#random });
    this.#timer = this.#timers.setTimeout(() => this.open(), inMs);
    this.#onState({ state: 'retrying', inMs, refused });
  }

  #drop() {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source?.close();
    this.#source = null;
  }
}
