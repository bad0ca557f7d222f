/** Starts a run, live or classic; a refusal comes back as words for the form. */

import { post, runOf } from './api.js';
import { followRun } from './run-client.js';
import { word } from './words.js';

/** @typedef {import('./run-client.js').Refusal} Refusal */
/** @typedef {{fields: Record<string, string[]>, message: string, signedOut?: boolean}} Problem  `message` is empty when the fields say it */

const KIND = 'exercise_program';

/**
 * @param {Record<string, string>} input
 * @returns {Promise<{run: string, response: Response} | {problem: Problem}>}
 */
export async function startLive(input) {
  const response = await post('/api/runs/stream', { body: { kind: KIND, input }, accept: 'text/event-stream' });
  if (!response) return { problem: unreachable() };
  const run = response.ok ? runOf(response) : null;
  if (run) return { run, response };
  const ending = await followRun({ response, streamUrl: response.url }).ended;
  return { problem: ending.state === 'error' ? problemOf(ending) : problemOf() };
}

/**
 * Waits for the whole program. Aborting cancels the run: on this endpoint the server takes leaving for that.
 * @param {Record<string, string>} input
 * @param {AbortSignal} signal
 * @returns {Promise<{run: string} | {problem: Problem} | {cancelled: true}>}
 */
export async function startClassic(input, signal) {
  const response = await post('/api/generate', { body: input, signal });
  if (signal.aborted) return { cancelled: true };
  if (!response) return { problem: unreachable() };
  const run = response.ok ? runOf(response) : null;
  if (run) return { run };
  const body = await response.json().catch(() => null);
  if (body?.error?.code === 'CANCELLED') return { cancelled: true };
  const after = Number(response.headers.get('Retry-After'));
  return {
    problem: problemOf({
      status: response.status,
      message: body?.error?.message ?? '',
      body,
      retryAfterMs: after > 0 ? after * 1000 : null,
    }),
  };
}

/** @returns {Problem} */
function unreachable() {
  return { fields: {}, message: word('unreachable') };
}

/**
 * @param {Pick<Refusal, 'status' | 'message' | 'body' | 'retryAfterMs'>} [refusal]
 * @returns {Problem}
 */
function problemOf(refusal) {
  if (!refusal) return { fields: {}, message: word('unexpected') };
  if (refusal.status === 401) return { fields: {}, message: word('signedOut'), signedOut: true };
  const body = /** @type {any} */ (refusal.body);
  const said = body?.error ?? body?.data;
  if (said?.reason === 'budget_spent') return { fields: {}, message: word('budgetSpent') };
  const fields = said?.fields ?? {};
  const wait = refusal.retryAfterMs === null ? '' : word('tryAgainIn', { n: Math.ceil(refusal.retryAfterMs / 1000) });
  return { fields, message: `${refusal.message || word('unexpected')} ${wait}`.trim() };
}
