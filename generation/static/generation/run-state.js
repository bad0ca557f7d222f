/** What a page shows of a run: the fold of its events, from the start or on top of a snapshot. */

import { hear, nothingHeard, rest } from './remaining.js';

/**
 * @typedef {object} Envelope
 * @property {number} seq
 * @property {string} run_id
 * @property {string} event
 * @property {string} ts
 * @property {Record<string, any>} data
 */

/** @typedef {import('./remaining.js').Remaining} Remaining */
/** @typedef {'queued' | 'running' | 'paused' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled'} RunStatus */
/** @typedef {'waiting' | 'now' | 'done' | 'skipped' | 'failed' | 'cancelled'} StageStatus */
/** @typedef {{path: string, index: number, value: any}} Item */
/** @typedef {{code: string, message: string}} Warning */
/** @typedef {{event: 'complete' | 'error' | 'cancelled', data: Record<string, any>}} Terminal */

/**
 * @typedef {object} RunState
 * @property {RunStatus} status
 * @property {string | null} stage
 * @property {Record<string, StageStatus>} stages  in the order of the pipeline
 * @property {Record<string, any>} facts  what each ended stage reported, by its code
 * @property {number} progress  0–100
 * @property {string} message
 * @property {string | null} opening  the message with which the stage began
 * @property {number | null} position  in the queue; 1 is next
 * @property {Remaining} remaining  in the server's time
 * @property {string | null} startedAt
 * @property {string | null} finishedAt
 * @property {Item[]} items
 * @property {Warning[]} warnings
 * @property {Terminal | null} terminal
 * @property {number} lastSeq  the cursor from which a stream continues this state
 */

/** @typedef {(state: RunState, data: Record<string, any>, ts: string) => Partial<RunState>} Apply */

/**
 * @param {readonly string[]} stageCodes
 * @returns {RunState}
 */
export function initialState(stageCodes) {
  return {
    status: 'queued',
    stage: null,
    stages: Object.fromEntries(stageCodes.map((code) => [code, 'waiting'])),
    facts: {},
    progress: 0,
    message: '',
    opening: null,
    position: null,
    remaining: nothingHeard(),
    startedAt: null,
    finishedAt: null,
    items: [],
    warnings: [],
    terminal: null,
    lastSeq: 0,
  };
}

/**
 * A snapshot carries no items, warnings or facts of stages: a page that shows those folds the log from its start.
 * @param {Record<string, any>} snapshot
 * @param {readonly string[]} stageCodes
 * @param {string | null} [at]  the server's time of the snapshot
 * @returns {RunState}
 */
export function fromSnapshot(snapshot, stageCodes, at = null) {
  const state = initialState(stageCodes);
  const { status, stage } = snapshot;
  const entered = stage ? { ...state, stages: enterStage(state.stages, stage, 'done') } : state;
  const terminal = snapshotTerminal(snapshot);
  return {
    ...entered,
    status,
    stage: stage ?? null,
    stages: terminal ? endStages(entered, terminal) : entered.stages,
    progress: risen(0, snapshot.progress),
    message: terminal?.event === 'error' ? snapshot.error?.message ?? '' : '',
    position: snapshot.position ?? null,
    remaining: terminal ? nothingHeard() : heardLater(snapshot, Date.parse(at ?? '')),
    startedAt: snapshot.started_at ?? null,
    finishedAt: snapshot.finished_at ?? null,
    terminal,
    lastSeq: snapshot.last_seq ?? 0,
  };
}

/**
 * The log says in a moment what was shown before; until then one estimate would give way to another.
 * @param {Record<string, any>} snapshot
 * @param {number} at
 */
function heardLater({ eta, status }, at) {
  return Number.isFinite(at) ? hear({ ...nothingHeard(), tick: at }, eta, at, status !== 'queued') : nothingHeard();
}

/**
 * Pure. An event that the state already holds, or one of a kind it does not know, changes nothing visible.
 * @param {RunState} state
 * @param {Envelope} envelope
 * @returns {RunState}
 */
export function reduce(state, envelope) {
  if (!Number.isInteger(envelope.seq) || envelope.seq <= state.lastSeq) return state;
  const apply = Object.hasOwn(EVENTS, envelope.event) ? EVENTS[envelope.event] : undefined;
  const change = apply?.(state, envelope.data ?? {}, envelope.ts);
  return { ...state, ...change, lastSeq: envelope.seq };
}

/**
 * Pure. What a snapshot tells of a run that waits, which its log does not: its place moves up without an event.
 * One that has seen more of the log than the state, or less, tells nothing.
 * @param {RunState} state
 * @param {Record<string, any>} snapshot
 * @param {number} at  the server's time of the snapshot
 * @returns {RunState}
 */
export function movedUp(state, { status, last_seq: lastSeq, position, eta }, at) {
  if (state.status !== 'queued' || status !== 'queued' || state.lastSeq !== lastSeq) return state;
  return { ...state, position: position ?? null, remaining: hear(state.remaining, eta, at, false) };
}

const RESTING = new Set(['paused', 'cancelling']);

/** @type {Record<string, Apply>} */
const EVENTS = {
  queued: (state, data, ts) => ({
    status: 'queued',
    position: data.position ?? null,
    ...estimate(state, data, ts, false),
  }),

  progress: (state, data, ts) => ({
    status: state.status === 'queued' ? 'running' : state.status,
    stage: data.stage ?? state.stage,
    stages: data.stage ? enterStage(state.stages, data.stage, 'skipped') : state.stages,
    progress: risen(state.progress, data.progress),
    message: data.message ?? state.message,
    opening: data.stage === state.stage && state.opening !== null ? state.opening : data.message ?? null,
    startedAt: state.startedAt ?? ts,
    ...(RESTING.has(state.status) ? {} : estimate(state, data, ts, true)),
  }),

  stage_complete: (state, { stage, facts = {} }) =>
    stage ? { stages: { ...state.stages, [stage]: 'done' }, facts: { ...state.facts, [stage]: facts } } : {},

  item: (state, { path, index, value }) => {
    const item = { path, index, value };
    const at = state.items.findIndex((known) => known.path === path && known.index === index);
    return { items: at < 0 ? [...state.items, item] : state.items.map((known, i) => (i === at ? item : known)) };
  },

  warning: (state, { code, message }) => ({ warnings: [...state.warnings, { code, message }] }),

  paused: (state, data, ts) => ({ status: 'paused', remaining: rest(state.remaining, Date.parse(ts)) }),
  resumed: (state) => (state.status === 'cancelling' ? {} : { status: state.stage ? 'running' : 'queued' }),
  cancelling: () => ({ status: 'cancelling', remaining: nothingHeard() }),

  complete: (state, data, ts) => ({
    ...ended(state, { event: 'complete', data }, ts),
    status: 'succeeded',
    progress: 100,
  }),
  error: (state, data, ts) => ({
    ...ended(state, { event: 'error', data }, ts),
    status: 'failed',
    message: data.message ?? state.message,
  }),
  cancelled: (state, data, ts) => ({ ...ended(state, { event: 'cancelled', data }, ts), status: 'cancelled' }),
};

/**
 * @param {RunState} state
 * @param {Record<string, any>} data
 * @param {string} ts
 * @param {boolean} begun
 * @returns {Partial<RunState>}
 */
function estimate(state, { eta }, ts, begun) {
  return eta === undefined ? {} : { remaining: hear(state.remaining, eta, Date.parse(ts), begun) };
}

/**
 * @param {number} before
 * @param {unknown} value
 */
function risen(before, value) {
  return typeof value === 'number' && value > before ? Math.min(100, value) : before;
}

/**
 * @param {Record<string, StageStatus>} stages
 * @param {string} code
 * @param {StageStatus} passed  what a stage before it becomes that was never seen to begin
 * @returns {Record<string, StageStatus>}
 */
function enterStage(stages, code, passed) {
  const codes = Object.keys(stages);
  // A code that the page was not told of has no place in the order: nothing was passed.
  const position = codes.indexOf(code);
  /** @type {Record<string, StageStatus>} */
  const entered = {};
  codes.forEach((other, index) => {
    const status = stages[other];
    if (status === 'now') entered[other] = 'done';
    else if (status === 'waiting' && index < position) entered[other] = passed;
    else entered[other] = status;
  });
  return { ...entered, [code]: 'now' };
}

/**
 * @param {RunState} state
 * @param {Terminal} terminal
 * @param {string} ts
 * @returns {Partial<RunState>}
 */
function ended(state, terminal, ts) {
  return { terminal, stages: endStages(state, terminal), remaining: nothingHeard(), finishedAt: ts };
}

/** @type {Record<Terminal['event'], StageStatus>} */
const STAGE_AT_END = { complete: 'done', error: 'failed', cancelled: 'cancelled' };

/**
 * After the end no stage is left waiting.
 * @param {RunState} state
 * @param {Terminal} terminal
 */
function endStages(state, terminal) {
  const stages = { ...state.stages };
  for (const [code, status] of Object.entries(stages)) {
    if (status === 'now') stages[code] = STAGE_AT_END[terminal.event];
    if (status === 'waiting') stages[code] = 'skipped';
  }
  if (terminal.event === 'error' && Object.hasOwn(stages, terminal.data.stage)) stages[terminal.data.stage] = 'failed';
  // The last stage of some kinds is the event itself.
  if (terminal.event === 'complete' && Object.hasOwn(stages, 'complete')) stages.complete = 'done';
  return stages;
}

/**
 * @param {Record<string, any>} snapshot
 * @returns {Terminal | null}
 */
function snapshotTerminal(snapshot) {
  switch (snapshot.status) {
    case 'succeeded':
      return {
        event: 'complete',
        data: {
          run_id: snapshot.id,
          page_url: snapshot.urls?.page,
          quality_score: snapshot.quality_score,
          total_cost_usd: snapshot.usage?.cost_usd,
        },
      };
    case 'failed':
      return { event: 'error', data: snapshot.error ?? {} };
    case 'cancelled':
      return { event: 'cancelled', data: { by: snapshot.cancelled_by } };
    default:
      return null;
  }
}
