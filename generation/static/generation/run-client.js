/**
 * Follows a run to its end over server-sent events, through every cut of the line.
 *
 * `EventSource` is not used because it can set no header, shows no status of a refusal and notices no silence.
 */

import { fullJitter, retryAfterMs } from './backoff.js';
import { SseParser } from './sse-parser.js';
import { isEventStream, parseJson, refusalOf, release, streamUrlOf } from './stream-response.js';

/** @typedef {import('./run-state.js').Envelope} Envelope */

/** @typedef {import('./stream-response.js').Refusal} Refusal */
/** @typedef {{state: 'disconnected', reason: 'terminal' | 'ended' | 'closed'}} Disconnected */
/** @typedef {Refusal | Disconnected} Ending */
/** @typedef {'network' | 'cut' | 'stall' | 'gap' | 'server'} Loss */
/**
 * @typedef {{state: 'connecting'} | {state: 'connected'}
 *   | {state: 'retrying', inMs: number, attempt: number, reason: Loss} | Ending} ConnectionReport
 */

/** @typedef {{setTimeout(callback: () => void, ms: number): any, clearTimeout(handle: any): void}} Timers */

/**
 * @typedef {object} RunClientOptions
 * @property {string} [streamUrl]  may be left out when `response` carries a `Location`
 * @property {number} [after]  the seq to continue from [0]
 * @property {string} [at]  a time of the server that is over, such as that of the page
 * @property {Response} [response]  an already open stream of this run, from `POST /api/runs/stream`
 * @property {(envelope: Envelope) => void} [onEvent]  each event once, in order
 * @property {(report: ConnectionReport) => void} [onState]
 * @property {Record<string, string>} [headers]
 * @property {RequestCredentials} [credentials]
 * @property {number} [heartbeatMs]  the longest the server stays silent [15000]
 * @property {number} [stallMs]  silence after which the line counts as dead [2.5 × heartbeatMs]
 * @property {number} [baseDelayMs]  until the server's `retry:` replaces it [500]
 * @property {number} [maxDelayMs]  [15000]
 * @property {(url: string, init: RequestInit) => Promise<Response>} [fetch]
 * @property {Timers} [timers]
 * @property {() => number} [now]
 * @property {() => number} [random]
 * @property {EventTarget & {visibilityState: string}} [document]
 * @property {EventTarget} [window]
 */

/** @typedef {{reason: Loss | 'wake', retryAfterMs?: number | null}} Lost */

const TERMINAL_EVENTS = new Set(['complete', 'error', 'cancelled']);
const PASSING_STATUSES = new Set([408, 425, 429]);
// Beyond this a browser's timer fires at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @type {Timers} */
const ownTimers = {
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle),
};

/**
 * @param {RunClientOptions} options
 * @returns {RunClient}
 */
export function followRun(options) {
  const client = new RunClient(options);
  client.open();
  return client;
}

export class RunClient {
  #streamUrl;
  #given;
  #onEvent;
  #onState;
  #headers;
  #credentials;
  #heartbeatMs;
  #stallMs;
  #baseDelayMs;
  #maxDelayMs;
  #fetch;
  #timers;
  #now;
  #random;
  #document;
  #window;

  #lastSeq;
  #clockSkewMs = Infinity;
  /** In a row, since the line last brought anything. */
  #failures = 0;
  #lastByteAt = 0;
  #opened = false;
  #over = false;
  /** @type {AbortController | null} */
  #connection = null;
  /** @type {{end: () => void, canWake: boolean} | null} */
  #pause = null;
  /** @type {(ending: Ending) => void} */
  #settle = () => {};

  /** @param {RunClientOptions} options */
  constructor(options) {
    this.#given = options.response;
    this.#streamUrl = options.streamUrl ?? streamUrlOf(options.response);
    this.#lastSeq = options.after ?? 0;
    this.#onEvent = options.onEvent;
    this.#onState = options.onState;
    this.#headers = options.headers;
    this.#credentials = options.credentials ?? 'same-origin';
    this.#heartbeatMs = options.heartbeatMs ?? 15_000;
    this.#stallMs = options.stallMs ?? 2.5 * this.#heartbeatMs;
    this.#baseDelayMs = options.baseDelayMs ?? 500;
    this.#maxDelayMs = options.maxDelayMs ?? 15_000;
    this.#fetch = options.fetch ?? ((/** @type {string} */ url, /** @type {RequestInit} */ init) => fetch(url, init));
    this.#timers = options.timers ?? ownTimers;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#compareClocks(options.at ?? '');
    this.#document = options.document ?? globalThis.document;
    this.#window = options.window ?? globalThis.window;
    /**
     * How it ended; never rejects.
     * @type {Promise<Ending>}
     */
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** The cursor: the seq of the last event handed on. */
  get lastSeq() {
    return this.#lastSeq;
  }

  /** The server's time, for clocks and estimates that must not trust this machine's clock. */
  serverNow() {
    return this.#now() - (Number.isFinite(this.#clockSkewMs) ? this.#clockSkewMs : 0);
  }

  open() {
    if (this.#opened || this.#over) return;
    this.#opened = true;
    this.#document?.addEventListener('visibilitychange', this.#onVisibility);
    this.#window?.addEventListener('online', this.#onOnline);
    // Not before the caller holds the client that its callbacks may want.
    queueMicrotask(() => this.#follow());
  }

  close() {
    this.#finish({ state: 'disconnected', reason: 'closed' });
  }

  async #follow() {
    let response = this.#given;
    this.#given = undefined;
    while (!this.#over) {
      this.#report({ state: 'connecting' });
      if (this.#over) break;
      const lost = await this.#connect(response);
      response = undefined;
      if (!this.#over && lost.reason !== 'wake') await this.#waitAfter(lost.reason, lost.retryAfterMs ?? null);
    }
    if (response) release(response);
  }

  /**
   * One connection, from its request to its loss.
   * @param {Response | undefined} given
   * @returns {Promise<Lost>}
   */
  async #connect(given) {
    const connection = new AbortController();
    const { signal } = connection;
    this.#connection = connection;
    /** @type {any} */
    let stall;
    const heard = () => {
      this.#lastByteAt = this.#now();
      this.#timers.clearTimeout(stall);
      stall = this.#timers.setTimeout(() => connection.abort('stall'), this.#stallMs);
    };
    heard();
    try {
      const response = given ?? (await this.#request(signal));
      if (response.status === 204) {
        this.#finish({ state: 'disconnected', reason: 'ended' });
      } else if (response.ok && isEventStream(response)) {
        this.#report({ state: 'connected' });
        await this.#read(response, signal, heard);
      } else if (!given && (response.status >= 500 || PASSING_STATUSES.has(response.status))) {
        return { reason: 'server', retryAfterMs: retryAfterMs(response.headers.get('Retry-After'), this.#now()) };
      } else {
        this.#finish(await refusalOf(response, this.#now()));
      }
      return { reason: signal.aborted ? signal.reason : 'cut' };
    } catch {
      return { reason: signal.aborted ? signal.reason : 'network' };
    } finally {
      this.#timers.clearTimeout(stall);
      this.#connection = null;
      // Free the socket of an answer whose body nobody reads.
      connection.abort();
      if (given) release(given);
    }
  }

  /** @param {AbortSignal} signal */
  #request(signal) {
    const headers = new Headers(this.#headers);
    headers.set('Accept', 'text/event-stream');
    if (this.#lastSeq > 0) headers.set('Last-Event-ID', String(this.#lastSeq));
    const fetch = this.#fetch;
    return fetch(this.#streamUrl, { headers, signal, credentials: this.#credentials, cache: 'no-store' });
  }

  /**
   * @param {Response} response
   * @param {AbortSignal} signal
   * @param {() => void} heard
   */
  async #read(response, signal, heard) {
    const reader = response.body?.getReader();
    if (!reader) return;
    // A response that was handed over belongs to a request this signal does not reach.
    const stop = () => {
      reader.cancel().catch(() => {});
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const parser = new SseParser({
      onEvent: (event) => {
        if (!signal.aborted) this.#take(event);
      },
      onRetry: (ms) => {
        this.#baseDelayMs = ms;
      },
    });
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      parser.feed(value);
    }
  }

  /** @param {import('./sse-parser.js').SseEvent} event */
  #take({ event, data }) {
    if (event === 'ping') {
      this.#failures = 0;
      return;
    }
    // A frame that is no envelope needs no word: were it a broken one, the next shows the gap.
    const envelope = parseJson(data);
    if (!Number.isInteger(envelope?.seq) || envelope.seq <= this.#lastSeq) return;
    if (envelope.seq > this.#lastSeq + 1) {
      this.#connection?.abort('gap');
      return;
    }
    this.#lastSeq = envelope.seq;
    this.#failures = 0;
    this.#compareClocks(envelope.ts);
    this.#call(this.#onEvent, envelope);
    if (TERMINAL_EVENTS.has(envelope.event)) this.#finish({ state: 'disconnected', reason: 'terminal' });
  }

  /**
   * Replayed events are old; the youngest comes nearest to the difference of the clocks.
   * @param {string} ts
   */
  #compareClocks(ts) {
    const age = this.#now() - Date.parse(ts);
    if (age < this.#clockSkewMs) this.#clockSkewMs = age;
  }

  /**
   * @param {Loss} reason
   * @param {number | null} ordered  what the server asked for
   */
  async #waitAfter(reason, ordered) {
    this.#failures += 1;
    const jitter = fullJitter({
      attempt: this.#failures,
      baseMs: this.#baseDelayMs,
      capMs: this.#maxDelayMs,
      random: this.#random,
    });
    const inMs = Math.min((ordered ?? 0) + jitter, LONGEST_TIMER_MS);
    this.#report({ state: 'retrying', inMs, attempt: this.#failures, reason });
    if (this.#over) return;
    await new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      const end = () => {
        this.#timers.clearTimeout(timer);
        this.#pause = null;
        resolve();
      };
      const timer = this.#timers.setTimeout(end, inMs);
      this.#pause = { end, canWake: ordered === null };
    });
  }

  #onVisibility = () => {
    // A machine that slept may hold a connection that died meanwhile, its timers late.
    if (this.#document?.visibilityState === 'visible') this.#wake(this.#now() - this.#lastByteAt > this.#heartbeatMs);
  };

  // The open connection ran over a network that is gone; a new one costs nothing, since it resumes by cursor.
  #onOnline = () => this.#wake(true);

  /** @param {boolean} suspect  whether to give up a connection that still seems open */
  #wake(suspect) {
    if (this.#pause?.canWake) this.#pause.end();
    else if (suspect) this.#connection?.abort('wake');
  }

  /** @param {Ending} ending */
  #finish(ending) {
    if (this.#over) return;
    this.#over = true;
    this.#document?.removeEventListener('visibilitychange', this.#onVisibility);
    this.#window?.removeEventListener('online', this.#onOnline);
    this.#connection?.abort();
    this.#pause?.end();
    this.#report(ending);
    this.#settle(ending);
  }

  /** @param {ConnectionReport} report */
  #report(report) {
    this.#call(this.#onState, report);
  }

  /**
   * A page's mistake must not look like a lost connection.
   * @template T
   * @param {((value: T) => void) | undefined} callback
   * @param {T} value
   */
  #call(callback, value) {
    try {
      callback?.(value);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
