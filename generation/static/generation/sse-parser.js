/**
 * Server-sent events out of a stream's chunks.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

/**
 * @typedef {object} SseEvent
 * @property {string} event  `message` when the frame names none
 * @property {string} data
 * @property {string} id  the last id seen on this connection, `''` before the first
 */

/**
 * @typedef {object} SseHandlers
 * @property {(event: SseEvent) => void} onEvent
 * @property {(ms: number) => void} [onRetry]
 * @property {(text: string) => void} [onComment]
 */

const LINE_END = /\r\n|\n|\r/g;

/** One per connection: a frame cut off by the connection's end must not run into the next one's first frame. */
export class SseParser {
  #handlers;
  // The byte order mark is stripped in `feed`, where text chunks pass too.
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #atStart = true;
  #afterCr = false;
  #line = '';
  /** @type {string[]} */
  #data = [];
  #event = '';
  #id = '';

  /** @param {SseHandlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** @param {string | Uint8Array} chunk */
  feed(chunk) {
    let text = typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true });
    if (text === '') return;
    if (this.#atStart && text.startsWith('\uFEFF')) text = text.slice(1);
    // A lone CR has already ended its line, so that no frame waits for a byte that may never come.
    if (this.#afterCr && text.startsWith('\n')) text = text.slice(1);
    this.#atStart = false;
    this.#afterCr = text.endsWith('\r');

    let start = 0;
    for (const end of text.matchAll(LINE_END)) {
      const index = /** @type {number} */ (end.index);
      const line = this.#line + text.slice(start, index);
      this.#line = '';
      start = index + end[0].length;
      this.#take(line);
    }
    this.#line += text.slice(start);
  }

  /** @param {string} line */
  #take(line) {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) {
      this.#handlers.onComment?.(line.slice(1));
      return;
    }
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) this.#handlers.onRetry?.(Number(value));
  }

  #dispatch() {
    const lines = this.#data;
    const event = this.#event || 'message';
    this.#data = [];
    this.#event = '';
    if (lines.length > 0) this.#handlers.onEvent({ event, data: lines.join('\n'), id: this.#id });
  }
}
