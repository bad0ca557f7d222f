/** What a page shows of a batch: the fold of its state stream (wire.md 1.1), which begins again with each connection. */

import { hear, nothingHeard, rest } from './remaining.js';

/** @typedef {import('./remaining.js').Remaining} Remaining */
/** @typedef {import('./run-state.js').RunStatus} RunStatus */
/** @typedef {{status: RunStatus, stage: string | null, progress: number}} RowState */
/** @typedef {{event: string, data?: any, batch?: any}} Message */

/**
 * @typedef {object} BatchState
 * @property {Record<string, RowState>} rows  by the id of the run that counts for the row
 * @property {number} progress  0–100, and less after a retry
 * @property {Remaining} remaining  by the reader's clock, since the stream tells no times; it outlives a connection
 * @property {boolean} over  no row is live
 */

const ENDED = new Set(['succeeded', 'failed', 'cancelled']);
const RETRIED = new Set(['failed', 'cancelled']);

/** @returns {BatchState} */
export function initialBatch() {
  return { rows: {}, progress: 0, remaining: nothingHeard(), over: false };
}

/**
 * Pure. A message of a kind it does not know changes nothing.
 * @param {BatchState} state
 * @param {Message} message
 * @param {number} at  when it came
 * @returns {BatchState}
 */
export function reduce(state, { event, data, batch }, at) {
  switch (event) {
    case 'batch': {
      const rows = Object.fromEntries(data.runs.map((/** @type {any} */ run) => [run.id, rowOf(run)]));
      return told({ ...promised(state, data.runs), rows, over: false }, data, at);
    }
    case 'run':
      return told({ ...promised(state, [data]), rows: withRun(state.rows, data), over: false }, batch, at);
    case 'batch_complete':
      return { ...told(state, batch ?? data, at), remaining: nothingHeard(), over: true };
    default:
      return state;
  }
}

/**
 * The runs whose rows the page must ask the server for: those that it has never drawn, and those that have ended since.
 * @param {Record<string, string>} drawn  the status that each run was drawn with
 * @param {BatchState} state
 */
export function outdated(drawn, { rows }) {
  return Object.keys(rows).filter((id) => {
    const { status } = rows[id];
    return !Object.hasOwn(drawn, id) || (ENDED.has(status) && drawn[id] !== status);
  });
}

/** @param {BatchState} state */
export function mayCancel({ rows }) {
  return Object.values(rows).some(({ status }) => !ENDED.has(status));
}

/** @param {BatchState} state */
export function mayRetry({ rows }) {
  return Object.values(rows).some(({ status }) => RETRIED.has(status));
}

/**
 * @param {any} run  a snapshot
 * @returns {RowState}
 */
function rowOf({ status, stage, progress }) {
  return { status, stage: stage ?? null, progress: progress ?? 0 };
}

/**
 * A run takes the place of the one it retries.
 * @param {Record<string, RowState>} rows
 * @param {any} run
 */
function withRun(rows, run) {
  const { [run.parent]: retried, ...others } = rows;
  const known = others[run.id];
  // The answer to a cancel may come after the news of the end.
  if (known && ENDED.has(known.status)) return rows;
  return { ...others, [run.id]: rowOf(run) };
}

/**
 * With one more run to do, what was promised holds no longer.
 * @param {BatchState} state
 * @param {{id: string}[]} runs
 */
function promised(state, runs) {
  return runs.every(({ id }) => Object.hasOwn(state.rows, id)) ? state : { ...state, remaining: nothingHeard() };
}

/**
 * @param {BatchState} state
 * @param {any} aggregates  none in the answer to a command
 * @param {number} at
 * @returns {BatchState}
 */
function told(state, aggregates, at) {
  if (!aggregates) return state;
  const rests = Object.values(state.rows).some(({ status }) => status === 'paused');
  const remaining = rests ? rest(state.remaining, at) : hear(state.remaining, aggregates.eta, at, true);
  return { ...state, progress: aggregates.progress, remaining };
}
