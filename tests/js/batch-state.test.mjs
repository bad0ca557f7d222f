import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { nothingHeard, shownAt } from '../../generation/static/generation/remaining.js';
import { initialBatch, mayCancel, mayRetry, outdated, reduce } from '../../generation/static/generation/batch-state.js';

const ETA = { ms: 4000, low_ms: 2000, high_ms: 9000, basis: 'history' };
const run = (id, status, more = {}) => ({ id, status, stage: null, progress: 0, parent: null, ...more });
const batch = (runs, more = {}) => ({ event: 'batch', data: { progress: 0, eta: ETA, runs, ...more } });
const change = (data, whole = { progress: 50, eta: null }) => ({ event: 'run', data, batch: whole });
/** A message a second. */
const fold = (...messages) => messages.reduce((state, message, second) => reduce(state, message, second * 1000), initialBatch());
const said = (state, second) => shownAt(state.remaining, second * 1000);
const LEFT = { low: 0, mid: 0, high: 10_000, history: true };

describe('the fold of a batch', () => {
  test('begins with the whole of it', () => {
    const state = fold(batch([run('a', 'running', { stage: 'generating', progress: 40 }), run('b', 'queued')], { progress: 20 }));
    assert.deepEqual(state.rows, {
      a: { status: 'running', stage: 'generating', progress: 40 },
      b: { status: 'queued', stage: null, progress: 0 },
    });
    assert.deepEqual([state.progress, said(state, 0).left, state.over], [20, LEFT, false]);
  });

  test('follows a row and the whole', () => {
    const state = fold(batch([run('a', 'running'), run('b', 'queued')]), change(run('a', 'succeeded', { progress: 100 })));
    assert.equal(state.rows.a.status, 'succeeded');
    assert.equal(state.rows.b.status, 'queued');
    assert.deepEqual([state.progress, said(state, 5).left, said(state, 10)], [50, { ...LEFT, high: 5000 }, { left: null, late: true }]);
  });

  test('is over when the server says so, with nothing left to wait for', () => {
    const state = fold(batch([run('a', 'running')]), { event: 'batch_complete', data: { progress: 100, eta: ETA } });
    assert.deepEqual([state.over, state.progress, state.remaining], [true, 100, nothingHeard()]);
  });

  test('a retry takes the place of the run it repeats, and the batch goes on', () => {
    const state = fold(
      batch([run('a', 'failed'), run('b', 'succeeded')], { progress: 100 }),
      { event: 'batch_complete', data: { progress: 100, eta: null } },
      change(run('c', 'queued', { parent: 'a' })),
    );
    assert.deepEqual(Object.keys(state.rows).sort(), ['b', 'c']);
    assert.deepEqual([state.over, state.progress], [false, 50]);
  });

  test('a reconnect begins again, whatever was known', () => {
    const again = batch([run('b', 'queued')]);
    const { remaining, ...state } = fold(batch([run('a', 'failed')]), again);
    const { remaining: first, ...fresh } = fold(again);
    assert.deepEqual(state, fresh);
    assert.deepEqual([shownAt(remaining, 1000), shownAt(first, 0)], [{ left: LEFT, late: false }, { left: LEFT, late: false }]);
  });

  test('what was promised of the same rows outlives a reconnect', () => {
    const messages = [batch([run('a', 'running')]), ...Array(8).fill(change(run('a', 'running'), { progress: 9, eta: ETA }))];
    assert.equal(said(fold(...messages, batch([run('a', 'running')])), 10).late, true);
    assert.equal(said(fold(...messages, batch([run('b', 'queued', { parent: 'a' })])), 10).late, false);
  });

  test('one more row to do is no delay, nor is a rest', () => {
    const told = (row) => change(row, { progress: 9, eta: ETA });
    const working = Array(8).fill(told(run('a', 'running')));
    const late = (...messages) => said(fold(batch([run('a', 'running')]), ...messages), 10).late;
    assert.equal(late(...working, told(run('a', 'running'))), true);
    assert.equal(late(...working, told(run('b', 'queued'))), false);
    assert.equal(late(...working.fill(told(run('a', 'paused')), 2, 4), told(run('a', 'running'))), false);
  });

  test('the late answer to a cancel does not wake a row that has ended', () => {
    const state = fold(batch([run('a', 'running')]), change(run('a', 'cancelled')), { event: 'run', data: run('a', 'cancelling') });
    assert.equal(state.rows.a.status, 'cancelled');
  });

  test('the answer to a post changes its row alone', () => {
    const state = fold(batch([run('a', 'running')], { progress: 30 }), { event: 'run', data: run('a', 'cancelling') });
    assert.deepEqual([state.rows.a.status, state.progress, said(state, 1).left], ['cancelling', 30, LEFT]);
  });

  test('what it does not know changes nothing', () => {
    const state = fold(batch([run('a', 'running')]));
    assert.equal(reduce(state, { event: 'news', data: run('a', 'failed') }, 0), state);
  });

  test('is pure', () => {
    const before = Object.freeze(fold(batch([run('a', 'running')])));
    Object.freeze(before.rows);
    reduce(before, change(run('a', 'failed')), 0);
    assert.equal(before.rows.a.status, 'running');
  });
});

describe('what is asked of the server again', () => {
  const state = fold(batch([run('live', 'running'), run('same', 'failed'), run('ended', 'succeeded'), run('new', 'queued', { parent: 'old' })]));

  test('rows that have ended since they were drawn, and those that were never drawn', () => {
    assert.deepEqual(outdated({ live: 'queued', same: 'failed', ended: 'running', old: 'failed' }, state), ['ended', 'new']);
  });

  test('nothing once all are drawn as they are', () => {
    assert.deepEqual(outdated({ live: 'running', same: 'failed', ended: 'succeeded', new: 'queued' }, state), []);
  });
});

describe('what can be done to a batch', () => {
  const OFFERS = [
    [['succeeded', 'succeeded'], false, false],
    [['succeeded', 'running'], true, false],
    [['failed', 'queued'], true, true],
    [['cancelled', 'succeeded'], false, true],
    [['paused'], true, false],
    [[], false, false],
  ];
  for (const [statuses, cancel, retry] of OFFERS) {
    test(statuses.join(' and ') || 'nothing', () => {
      const state = fold(batch(statuses.map((status, index) => run(String(index), status))));
      assert.deepEqual([mayCancel(state), mayRetry(state)], [cancel, retry]);
    });
  }
});
