/** A log played again: where the player stands, and what the page showed at that moment. Pure. */

import { initialState, reduce } from './run-state.js';

/** @typedef {import('./run-state.js').Envelope & {x: number, what: string}} Told  `x` in percent of the drawing, `what` its data in words */
/** @typedef {import('./run-state.js').RunState} RunState */
/** @typedef {{events: Told[], stages: string[], end_ms: number | null}} Replay  `end_ms` after the first event; null while the run goes on */

/**
 * @typedef {object} Player
 * @property {number} index  of the last event that was played
 * @property {number} ms  since the first event
 * @property {number} speed
 * @property {boolean} playing
 */

/** @type {Player} */
export const AT_START = { index: 0, ms: 0, speed: 1, playing: false };

/**
 * When each event came, in milliseconds since the first one; never before the one ahead of it.
 * @param {readonly Told[]} events
 */
export function timesOf(events) {
  let latest = 0;
  return events.map(({ ts }) => (latest = Math.max(latest, Date.parse(ts) - Date.parse(events[0].ts))));
}

/**
 * The player after `elapsedMs` of the reader's own time; it stops at the last event.
 * @param {Player} player
 * @param {number} elapsedMs
 * @param {readonly number[]} times
 * @returns {Player}
 */
export function advance(player, elapsedMs, times) {
  if (!player.playing) return player;
  const last = times.length - 1;
  const ms = Math.min(player.ms + Math.max(0, elapsedMs) * player.speed, times[last]);
  let { index } = player;
  while (index < last && times[index + 1] <= ms) index += 1;
  return { ...player, ms, index, playing: index < last };
}

/**
 * The player, standing still at an event; at the first or the last one when there is none there.
 * @param {Player} player
 * @param {number} index
 * @param {readonly number[]} times
 * @returns {Player}
 */
export function standAt(player, index, times) {
  const there = Math.max(0, Math.min(times.length - 1, index));
  return { ...player, index: there, ms: times[there], playing: false };
}

/**
 * Play on; from the start when the end was reached.
 * @param {Player} player
 * @param {readonly number[]} times
 * @returns {Player}
 */
export function play(player, times) {
  const from = player.index >= times.length - 1 ? standAt(player, 0, times) : player;
  return { ...from, playing: true };
}

/**
 * States by the index of their last event. Going on from the last one asked for folds only what came since.
 * @param {readonly Told[]} events
 * @param {readonly string[]} stages
 * @returns {(index: number) => RunState}
 */
export function folding(events, stages) {
  let folded = -1;
  let state = initialState(stages);
  return (index) => {
    if (index < folded) {
      folded = -1;
      state = initialState(stages);
    }
    for (; folded < index; folded += 1) state = reduce(state, events[folded + 1]);
    return state;
  };
}

/**
 * What was left at a moment, as it turned out; null while the run goes on.
 * @param {Replay} replay
 * @param {Player} player
 */
export function remained({ end_ms }, player) {
  return end_ms === null ? null : Math.max(0, end_ms - player.ms);
}

/**
 * The estimate that a page at this event went by; null where it went by none.
 * @param {readonly Told[]} events
 * @param {number} index
 * @param {RunState} state  at this event
 * @returns {{ms: number, low_ms: number, high_ms: number} | null}
 */
export function foretold(events, index, { remaining }) {
  if (!remaining.heard) return null;
  for (let at = index; at >= 0; at -= 1) if (events[at].data.eta) return events[at].data.eta;
  return null;
}

/**
 * Where the player stands in the drawing, in percent.
 * @param {Player} player
 * @param {readonly Told[]} events
 * @param {readonly number[]} times
 */
export function placeOf({ index, ms }, events, times) {
  const next = Math.min(index + 1, events.length - 1);
  const length = times[next] - times[index];
  const share = length > 0 ? (ms - times[index]) / length : 0;
  return events[index].x + (events[next].x - events[index].x) * share;
}
