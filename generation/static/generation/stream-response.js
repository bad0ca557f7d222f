/** What the response to a request for a stream says: where the stream is, that it is one, or why there is none. */

import { retryAfterMs } from './backoff.js';
import { SseParser } from './sse-parser.js';

/**
 * @typedef {object} Refusal
 * @property {'error'} state
 * @property {number} status  of HTTP
 * @property {string} code  the server's, else `HTTP_<status>` or `NOT_AN_EVENT_STREAM`
 * @property {string} message  for a person; may be empty
 * @property {unknown} body  the whole answer where it was JSON
 * @property {number | null} retryAfterMs
 */

/**
 * @param {Response | undefined} response
 * @returns {string}
 */
export function streamUrlOf(response) {
  const location = response?.headers.get('Location');
  if (location) {
    const path = `${location.replace(/\/+$/, '')}/stream`;
    return response?.url ? new URL(path, response.url).href : path;
  }
  // A refused start has nothing to follow.
  if (response && !response.ok) return '';
  throw new TypeError('followRun needs a streamUrl, or a response with a Location.');
}

/** @param {Response} response */
export function release(response) {
  // Refused where a reader has the body: then that reader is being cancelled.
  response.body?.cancel().catch(() => {});
}

/** @param {Response} response */
export function isEventStream(response) {
  return (response.headers.get('Content-Type') ?? '').startsWith('text/event-stream');
}

/**
 * @param {Response} response
 * @param {number} now
 * @returns {Promise<Refusal>}
 */
export async function refusalOf(response, now) {
  const text = response.ok ? '' : await response.text().catch(() => '');
  const body = parseJson(isEventStream(response) ? firstData(text) : text);
  const told = body?.error ?? body?.data;
  return {
    state: 'error',
    status: response.status,
    code: told?.code ?? (response.ok ? 'NOT_AN_EVENT_STREAM' : `HTTP_${response.status}`),
    message: told?.message ?? '',
    body,
    retryAfterMs: retryAfterMs(response.headers.get('Retry-After'), now),
  };
}

/** @param {string} text */
function firstData(text) {
  /** @type {string[]} */
  const frames = [];
  new SseParser({ onEvent: ({ data }) => frames.push(data) }).feed(text);
  return frames[0] ?? '';
}

/**
 * @param {string} text
 * @returns {any} undefined when it is not JSON
 */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
