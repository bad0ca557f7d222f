/**
 * What a page says of the time that is left: the fold of the server's estimates, kept calm.
 *
 * Each estimate replaces the last one, but what is shown moves on ticks alone, and then only as far as it must: it runs
 * down, stands still while the newest estimate falls behind it, and leaves its course for one that says something else.
 * All of it follows from the estimates, their times and the clock, so that a replay of a log shows the same.
 */

/**
 * What is left from the moment it was said.
 * @typedef {{ms: number, low_ms: number, high_ms: number, basis: 'history' | 'default'}} Eta
 */

/**
 * In milliseconds, none negative, low ≤ mid ≤ high. `history`: from earlier runs, not from shipped figures.
 * @typedef {{low: number, mid: number, high: number, history: boolean}} Left
 */

/**
 * Moments are milliseconds of one clock.
 * @typedef {object} Remaining
 * @property {Left | null} heard  the newest estimate
 * @property {number} heardAt
 * @property {Left | null} shown  in whole ticks
 * @property {number} tick  since which it is shown
 * @property {boolean} begun  it works and no longer waits for its turn
 * @property {number | null} due  when the first estimate from history runs out: later is longer than usual
 * @property {number | null} restsFrom
 */

// What is shown changes no more often, but for an estimate that lies beyond all that was shown.
const TICK_MS = 5000;
const LONGEST_MS = 24 * 3_600_000;

/** @returns {Remaining} */
export function nothingHeard() {
  return { heard: null, heardAt: -Infinity, shown: null, tick: -Infinity, begun: false, due: null, restsFrom: null };
}

/**
 * Pure. Take the newest estimate, or with null that there is none.
 *
 * A run that works past all that is known of a stage still keeps what was promised of its end, until that has passed.
 * @param {Remaining} state
 * @param {Eta | null | undefined} eta
 * @param {number} at
 * @param {boolean} begun
 * @returns {Remaining}
 */
export function hear(state, eta, at, begun) {
  if (!Number.isFinite(at)) return state;
  const before = advanced(awake(state, at), at);
  // While it waited, something else was promised.
  const promised = begun && !before.begun ? null : before.due;
  const heard = leftOf(eta);
  if (!heard && begun && promised !== null && before.heard?.history) return before;
  const due = promised ?? (heard?.history ? at + heard.high : null);
  const after = { ...before, heard, heardAt: at, begun: begun || before.begun, due };
  return heard && surprises(before, heard, at) ? { ...after, shown: inTicks(heard), tick: at } : after;
}

/**
 * Pure. Nothing runs down while nothing runs, and a rest is no delay.
 * @param {Remaining} state
 * @param {number} at
 * @returns {Remaining}
 */
export function rest(state, at) {
  if (!Number.isFinite(at) || state.restsFrom !== null) return state;
  return { ...nothingHeard(), begun: state.begun, due: state.due, restsFrom: at };
}

/**
 * What to say now; `late` means longer than usual, `left` is null where nothing can be said.
 * @param {Remaining} state
 * @param {number} now
 * @returns {{left: Left | null, late: boolean}}
 */
export function shownAt(state, now) {
  if (state.restsFrom !== null) return { left: null, late: false };
  const { shown, tick, due } = advanced(state, now);
  if (shown?.high) return { left: shown, late: due !== null && tick >= due };
  const outlived = shown !== null && shown.history;
  return { left: null, late: outlived || (due !== null && now >= tickFrom(tick, due)) };
}

/**
 * The first tick that is not before a moment.
 * @param {number} tick
 * @param {number} moment
 */
function tickFrom(tick, moment) {
  if (!Number.isFinite(tick)) return moment;
  return tick + TICK_MS * Math.max(0, Math.ceil((moment - tick) / TICK_MS));
}

/**
 * Move what is shown to the last tick before `now`, or to the one with which it ended.
 * @param {Remaining} state
 * @param {number} now
 */
function advanced(state, now) {
  let { shown, tick } = state;
  const { heard, heardAt } = state;
  while (tick + TICK_MS <= now) {
    const left = heard && runDown(heard, tick + TICK_MS - heardAt);
    if (!shown?.high && !left?.high) break;
    tick += TICK_MS;
    shown = left && next(shown, left);
  }
  return { ...state, shown, tick };
}

/**
 * @param {Remaining} state
 * @param {number} at
 */
function awake(state, at) {
  const { restsFrom, due } = state;
  if (restsFrom === null) return state;
  return { ...state, restsFrom: null, due: due === null ? null : due + Math.max(0, at - restsFrom) };
}

/**
 * Whether it can't wait for a tick: nothing was shown for as long, or it is off by more than the whole range shown.
 * @param {Remaining} state
 * @param {Left} heard
 * @param {number} at
 */
function surprises({ shown, tick }, heard, at) {
  if (!shown?.high) return at - tick >= TICK_MS;
  const range = Math.max(TICK_MS, shown.high - shown.low);
  const left = runDown(shown, at - tick);
  return Math.abs(heard.low - left.low) > range || Math.abs(heard.high - left.high) > range;
}

/**
 * What is shown a tick after `shown`, when this much is left.
 * @param {Left | null} shown
 * @param {Left} left
 * @returns {Left}
 */
function next(shown, left) {
  if (!shown || shown.high === 0 || shown.history !== left.history) return inTicks(left);
  const tolerance = Math.max(TICK_MS, (shown.high - shown.low) / 4, (left.high - left.low) / 4);
  const exact = inTicks(left);
  const [low, mid, high] = /** @type {const} */ (['low', 'mid', 'high']).map((bound) => {
    const expected = Math.max(0, shown[bound] - TICK_MS);
    const other = left[bound] > shown[bound] + tolerance || left[bound] < expected - tolerance;
    return other ? exact[bound] : Math.max(expected, Math.min(shown[bound], exact[bound]));
  });
  return ordered({ low, mid, high, history: left.history });
}

/**
 * Null for one that nobody could show.
 * @param {Eta | null | undefined} eta
 * @returns {Left | null}
 */
function leftOf(eta) {
  if (!eta) return null;
  const { low_ms: low, ms: mid, high_ms: high } = eta;
  if (![low, mid, high].every((ms) => Number.isFinite(ms) && ms >= 0 && ms <= LONGEST_MS)) return null;
  // The least that is said is a few seconds.
  return ordered({ low, mid, high: Math.max(high, TICK_MS), history: eta.basis === 'history' });
}

/**
 * @param {Left} left
 * @returns {Left}
 */
function ordered({ low, mid, high, history }) {
  return { low: Math.min(low, mid, high), mid: Math.min(mid, high), high, history };
}

/**
 * @param {Left} left
 * @param {number} since
 * @returns {Left}
 */
function runDown({ low, mid, high, history }, since) {
  const down = (/** @type {number} */ ms) => Math.max(0, ms - Math.max(0, since));
  return { low: down(low), mid: down(mid), high: down(high), history };
}

/**
 * Rounded so that the range is not narrowed.
 * @param {Left} left
 * @returns {Left}
 */
function inTicks({ low, mid, high, history }) {
  const [below, middle, above] = [Math.floor(low / TICK_MS), Math.floor(mid / TICK_MS), Math.ceil(high / TICK_MS)];
  return { low: below * TICK_MS, mid: middle * TICK_MS, high: above * TICK_MS, history };
}
