import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { etaText } from '../../generation/static/generation/eta.js';
import { shownAt } from '../../generation/static/generation/remaining.js';
import { initialState, reduce } from '../../generation/static/generation/run-state.js';
import {
  AT_START, advance, folding, foretold, placeOf, play, remained, standAt, timesOf,
} from '../../generation/static/generation/timeline-replay.js';
import { prng } from './prng.mjs';

const STAGES = ['started', 'generating', 'complete'];
const BEGAN = Date.parse('2026-01-01T00:00:00.000Z');
const ETA = { ms: 3000, low_ms: 2000, high_ms: 6000, basis: 'history' };
const LOG = [
  [0, 'queued', { position: 1, eta: ETA }],
  [400, 'progress', { stage: 'started', progress: 5, eta: null }],
  [450, 'stage_complete', { stage: 'started', duration_ms: 50 }],
  [450, 'progress', { stage: 'generating', progress: 40, eta: { ...ETA, ms: 900 } }],
  [2000, 'item', { path: 'exercises', index: 0 }],
  [2600, 'paused', { by: 'alice' }],
  [9000, 'resumed', { by: 'alice', attempt: 2 }],
  [9500, 'item', { path: 'exercises', index: 1 }],
  [10_000, 'complete', {}],
];
const told = (log) => log.map(([at, event, data], index) => (
  { seq: index + 1, run_id: '', event, ts: new Date(BEGAN + at).toISOString(), data, x: at / 100, what: '' }
));
const events = told(LOG);
const times = timesOf(events);

test('events stand at their times, and a clock that was set back moves none of them', () => {
  assert.deepEqual(times, LOG.map(([at]) => at));
  assert.deepEqual(timesOf(told([[0, 'queued', {}], [50, 'item', {}], [20, 'item', {}]])), [0, 50, 50]);
});

describe('playing', () => {
  test('goes as fast as it is told and meets all events of a moment', () => {
    const playing = play(AT_START, times);
    assert.deepEqual(advance(playing, 399, times), { ...playing, ms: 399 });
    assert.equal(advance(playing, 450, times).index, 3);
    assert.equal(advance({ ...playing, speed: 16 }, 100, times).ms, 1600);
  });

  test('stands still until it plays', () => {
    assert.equal(advance(AT_START, 1000, times), AT_START);
  });

  test('ends with the last event, and then plays from the start', () => {
    const over = advance({ ...play(AT_START, times), speed: 16 }, 60_000, times);
    assert.deepEqual(over, { index: events.length - 1, ms: 10_000, speed: 16, playing: false });
    assert.deepEqual(play(over, times), { index: 0, ms: 0, speed: 16, playing: true });
  });

  test('in small steps shows each event once and in order', () => {
    const random = prng(3);
    let player = { ...play(AT_START, times), speed: 4 };
    const seen = [0];
    while (player.playing) {
      const next = advance(player, random() * 40, times);
      assert.ok(next.ms >= player.ms);
      for (let index = player.index + 1; index <= next.index; index += 1) seen.push(index);
      player = next;
    }
    assert.deepEqual(seen, events.map((_, index) => index));
  });

  test('a step goes to a neighbour, and no further than the ends', () => {
    assert.deepEqual(standAt({ ...AT_START, playing: true }, 4, times), { ...AT_START, index: 4, ms: 2000 });
    assert.equal(standAt(AT_START, -1, times).index, 0);
    assert.equal(standAt(AT_START, 99, times).index, events.length - 1);
  });
});

describe('what was shown', () => {
  test('is the fold of the log up to there, whichever way one came', () => {
    const stateAt = folding(events, STAGES);
    const random = prng(5);
    for (let round = 0; round < 60; round += 1) {
      const index = Math.floor(random() * events.length);
      assert.deepEqual(stateAt(index), events.slice(0, index + 1).reduce(reduce, initialState(STAGES)));
    }
  });

  test('counts items that have no content', () => {
    const stateAt = folding(events, STAGES);
    assert.deepEqual([3, 4, 7].map((index) => stateAt(index).items.length), [0, 1, 2]);
    assert.deepEqual([4, 5, 6, 8].map((index) => stateAt(index).status), ['running', 'paused', 'running', 'succeeded']);
  });

  test('the forecast is the one the page went by, none where it said nothing', () => {
    const stateAt = folding(events, STAGES);
    const behind = (index) => foretold(events, index, stateAt(index))?.ms;
    assert.deepEqual([0, 1, 2, 3, 4, 5, 8].map(behind), [3000, undefined, undefined, 900, 900, undefined, undefined]);
  });

  test('an event that says nothing of an estimate leaves the one before it', () => {
    const silent = told([[0, 'queued', { eta: ETA }], [400, 'progress', { stage: 'started', progress: 5 }]]);
    assert.deepEqual(foretold(silent, 1, folding(silent, STAGES)(1)), ETA);
  });

  test('nothing is said of what remains where there was no estimate to give', () => {
    const long = { ...ETA, low_ms: 20_000, ms: 30_000, high_ms: 60_000 };
    const silent = told([[0, 'queued', { eta: long }], [400, 'progress', { stage: 'started', progress: 5, eta: null }]]);
    const stateAt = folding(silent, STAGES);
    const saidAt = (index, at) => etaText(shownAt(stateAt(index).remaining, BEGAN + at));
    assert.equal(saidAt(0, 6000), 'about 15–55 s left');
    assert.equal(saidAt(1, 6000), '');
  });

  test('what remained is known once the run has ended, and is never negative', () => {
    const replay = { events, stages: STAGES, end_ms: 10_000 };
    assert.deepEqual([0, 4, 8].map((index) => remained(replay, standAt(AT_START, index, times))), [10_000, 8000, 0]);
    assert.equal(remained({ ...replay, end_ms: null }, AT_START), null);
    assert.equal(remained({ ...replay, end_ms: 1 }, standAt(AT_START, 4, times)), 0);
  });
});

test('in the drawing it moves from event to event', () => {
  const player = advance(play(AT_START, times), 5800, times);
  assert.equal(player.index, 5);
  assert.equal(placeOf(player, events, times), 58);
  assert.equal(placeOf(standAt(AT_START, 8, times), events, times), 100);
});
