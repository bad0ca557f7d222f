import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { hear, nothingHeard, shownAt } from '../../generation/static/generation/remaining.js';
import { fromSnapshot, initialState, movedUp, reduce } from '../../generation/static/generation/run-state.js';

const CODES = ['started', 'fetching-exercises', 'generating', 'validating', 'storing', 'complete'];
const ETA = { ms: 20_000, low_ms: 10_000, high_ms: 40_000, basis: 'history' };

/** A log whose seqs and times follow from the order. */
function log(...events) {
  return events.map(([event, data = {}], index) => ({
    seq: index + 1,
    run_id: 'r',
    event,
    ts: `2026-03-03T10:00:${String(index).padStart(2, '0')}.000Z`,
    data,
  }));
}

const fold = (events, state = initialState(CODES)) => events.reduce(reduce, state);
const left = (state, at) => shownAt(state.remaining, Date.parse(at)).left;
const progress = (stage, percent, more = {}) => ['progress', { stage, message: `at ${stage}`, progress: percent, eta: ETA, ...more }];

const WHOLE = log(
  ['queued', { position: 0, eta: ETA }],
  progress('started', 5),
  ['stage_complete', { stage: 'started', duration_ms: 9, facts: { region: 'knee' } }],
  progress('fetching-exercises', 15),
  ['stage_complete', { stage: 'fetching-exercises', duration_ms: 9, facts: { offered: 64 } }],
  progress('generating', 40),
  ['item', { path: 'exercises', index: 0, value: { slug: 'bridge' } }],
  ['item', { path: 'exercises', index: 1, value: { slug: 'clamshell' } }],
  ['warning', { code: 'LIMITED_OPTIONS', message: 'Few exercises fit.' }],
  ['stage_complete', { stage: 'generating', duration_ms: 9 }],
  progress('validating', 70),
  ['stage_complete', { stage: 'validating', duration_ms: 9, facts: {} }],
  progress('storing', 85),
  ['stage_complete', { stage: 'storing', duration_ms: 9, facts: {} }],
  ['complete', { run_id: 'r', page_url: '/runs/r/', quality_score: 9 }],
);

describe('the fold of a run', () => {
  test('begins with everything waiting', () => {
    const state = initialState(CODES);
    assert.deepEqual(Object.keys(state.stages), CODES);
    assert.ok(Object.values(state.stages).every((status) => status === 'waiting'));
    assert.equal(state.status, 'queued');
  });

  test('in the middle', () => {
    const state = fold(WHOLE.slice(0, 7));
    assert.deepEqual(state.stages, {
      started: 'done',
      'fetching-exercises': 'done',
      generating: 'now',
      validating: 'waiting',
      storing: 'waiting',
      complete: 'waiting',
    });
    assert.equal(state.status, 'running');
    assert.equal(state.stage, 'generating');
    assert.equal(state.progress, 40);
    assert.equal(state.message, 'at generating');
    assert.equal(state.position, 0);
    assert.deepEqual(left(state, WHOLE[5].ts), { low: 5000, mid: 15_000, high: 40_000, history: true });
    assert.equal(state.startedAt, WHOLE[1].ts);
    assert.deepEqual(state.facts['fetching-exercises'], { offered: 64 });
    assert.deepEqual(state.items, [{ path: 'exercises', index: 0, value: { slug: 'bridge' } }]);
    assert.equal(state.lastSeq, 7);
  });

  test('keeps the words a stage began with beside those that follow, until the next stage', () => {
    const waiting = progress('generating', 40, { message: 'busy, trying again in 4 s' });
    let state = fold(log(progress('generating', 40), waiting));
    assert.deepEqual([state.opening, state.message], ['at generating', 'busy, trying again in 4 s']);
    state = fold(log(progress('generating', 40), waiting, progress('generating', 45)));
    assert.deepEqual([state.opening, state.message], ['at generating', 'at generating']);
    state = fold(log(progress('generating', 40), waiting, progress('validating', 70)));
    assert.deepEqual([state.opening, state.message], ['at validating', 'at validating']);
  });

  test('to the end', () => {
    const state = fold(WHOLE);
    assert.ok(Object.values(state.stages).every((status) => status === 'done'));
    assert.equal(state.status, 'succeeded');
    assert.equal(state.progress, 100);
    assert.deepEqual(state.remaining, nothingHeard());
    assert.equal(state.items.length, 2);
    assert.deepEqual(state.warnings, [{ code: 'LIMITED_OPTIONS', message: 'Few exercises fit.' }]);
    assert.equal(state.terminal.event, 'complete');
    assert.equal(state.terminal.data.page_url, '/runs/r/');
    assert.equal(state.finishedAt, WHOLE.at(-1).ts);
  });

  test('changes no state it was given', () => {
    const deepFreeze = (value) => {
      if (value && typeof value === 'object') Object.values(Object.freeze(value)).forEach(deepFreeze);
      return value;
    };
    fold(WHOLE.map(deepFreeze), deepFreeze(initialState(CODES)));
    WHOLE.reduce((state, envelope) => deepFreeze(reduce(state, envelope)), deepFreeze(initialState(CODES)));
  });

  test('each event counts once', () => {
    const twice = WHOLE.flatMap((envelope) => [envelope, envelope]);
    assert.deepEqual(fold([...twice, ...WHOLE]), fold(WHOLE));
  });

  test('progress never falls and never passes 100', () => {
    assert.equal(fold(log(progress('generating', 60), progress('generating', 40))).progress, 60);
    assert.equal(fold(log(progress('generating', 60), progress('generating', null))).progress, 60);
    assert.equal(fold(log(progress('generating', 400))).progress, 100);
  });

  test('unknown events and fields move only the cursor', () => {
    const before = fold(WHOLE.slice(0, 6));
    for (const event of ['delta', 'cost_update', 'from_the_future', '__proto__', 'toString', undefined]) {
      const after = reduce(before, { ...WHOLE[6], event, data: { odd: 1 } });
      assert.deepEqual({ ...after, lastSeq: 6 }, before);
      assert.equal(after.lastSeq, 7);
    }
    assert.equal(reduce(before, { event: 'ping' }), before);
    assert.deepEqual(fold(log(progress('started', 5, { odd: 1 }))), fold(log(progress('started', 5))));
  });

  test('events without data do no harm', () => {
    const names = ['queued', 'progress', 'stage_complete', 'item', 'warning', 'paused', 'resumed', 'cancelling', 'complete', 'error', 'cancelled'];
    for (const event of names) reduce(initialState(CODES), { seq: 1, run_id: 'r', event, ts: '' });
  });

  test('a stage the page was not told of is shown and skips nothing', () => {
    const { stages } = fold(log(progress('started', 5), progress('translating', 20)));
    assert.equal(stages.started, 'done');
    assert.equal(stages.translating, 'now');
    assert.equal(stages.storing, 'waiting');
  });

  test('stages passed over are skipped', () => {
    const { stages } = fold(log(progress('started', 5), progress('storing', 85), ['complete']));
    assert.deepEqual(Object.values(stages), ['done', 'skipped', 'skipped', 'skipped', 'done', 'done']);
  });

  test('going back to an earlier stage keeps the later one done', () => {
    const { stages } = fold(log(progress('generating', 40), progress('validating', 70), progress('generating', 71)));
    assert.equal(stages.generating, 'now');
    assert.equal(stages.validating, 'done');
  });

  test('a failure marks its stage', () => {
    const state = fold(log(progress('started', 5), ['error', { code: 'OPENAI_TIMEOUT', message: 'No answer.', stage: 'generating' }]));
    assert.equal(state.status, 'failed');
    assert.equal(state.stages.generating, 'failed');
    assert.equal(state.message, 'No answer.');
    assert.equal(state.terminal.data.code, 'OPENAI_TIMEOUT');
    assert.equal(state.progress, 5);
    assert.ok(!Object.values(state.stages).includes('waiting'));
  });

  test('a failure without a stage marks the current one', () => {
    const state = fold(log(progress('generating', 40), ['error', { code: 'SERVER_ERROR', message: 'x', stage: null }]));
    assert.equal(state.stages.generating, 'failed');
  });

  test('cancelling holds until cancelled', () => {
    const events = log(progress('generating', 40), ['cancelling', { by: 'alice' }], progress('generating', 50), ['resumed', { by: null }], ['cancelled', { by: 'alice' }]);
    const cancelling = fold(events.slice(0, 4));
    assert.equal(cancelling.status, 'cancelling');
    assert.deepEqual(cancelling.remaining, nothingHeard());
    const state = fold(events);
    assert.equal(state.status, 'cancelled');
    assert.equal(state.stages.generating, 'cancelled');
    assert.equal(state.stages.storing, 'skipped');
  });

  test('pause and resume', () => {
    const paused = fold(log(progress('generating', 40), ['paused', { by: 'alice' }]));
    assert.equal(paused.status, 'paused');
    assert.deepEqual(shownAt(paused.remaining, Date.parse(WHOLE.at(-1).ts)), { left: null, late: false });
    assert.deepEqual(fold(log(progress('generating', 40), ['paused'], progress('generating', 41))).remaining, paused.remaining);
    assert.equal(reduce(paused, { ...WHOLE[2], seq: 3, event: 'resumed' }).status, 'running');
    assert.equal(fold(log(['queued'], ['paused'], ['resumed'])).status, 'queued');
  });

  test('an item sent again replaces itself', () => {
    const item = (slug) => ['item', { path: 'exercises', index: 0, value: { slug } }];
    const { items } = fold(log(item('bridge'), ['item', { path: 'sources', index: 0, value: {} }], item('plank')));
    assert.deepEqual(items.map(({ value }) => value.slug), ['plank', undefined]);
  });

  test('an estimate withdrawn is gone unless it was a promise, one not mentioned stays', () => {
    const later = '2026-03-03T10:00:10.000Z';
    const then = (basis, eta) => left(fold(log(progress('started', 5, { eta: { ...ETA, basis } }), progress('started', 6, { eta }))), later);
    assert.equal(then('default', null), null);
    assert.notEqual(then('default', undefined), null);
    assert.deepEqual(then('history', null), then('history', undefined));
  });

  test('what was promised in the queue is not what is promised to a run that works', () => {
    const queued = fold(log(['queued', { position: 3, eta: ETA }]));
    assert.equal(queued.position, 3);
    const working = reduce(queued, { ...WHOLE[1], ts: '2026-03-03T10:05:00.000Z' });
    assert.equal(shownAt(queued.remaining, Date.parse('2026-03-03T10:04:59.000Z')).late, true);
    assert.equal(shownAt(working.remaining, Date.parse('2026-03-03T10:05:00.000Z')).late, false);
  });
});

describe('a snapshot', () => {
  const snapshot = (more) => ({
    id: 'r',
    status: 'running',
    stage: 'generating',
    progress: 40,
    eta: ETA,
    error: null,
    quality_score: null,
    usage: { input_tokens: 0, output_tokens: 0, cost_usd: 0 },
    last_seq: 6,
    created_at: WHOLE[0].ts,
    started_at: WHOLE[1].ts,
    finished_at: null,
    cancelled_by: null,
    urls: { page: '/runs/r/' },
    ...more,
  });
  const comparable = ({ stages, status, stage, progress: percent, startedAt, lastSeq, terminal }) => ({
    stages, status, stage, percent, startedAt, lastSeq, ended: terminal?.event,
  });

  test('equals the log folded so far', () => {
    assert.deepEqual(comparable(fromSnapshot(snapshot(), CODES)), comparable(fold(WHOLE.slice(0, 6))));
  });

  test('plus the rest of the log equals the whole log', () => {
    assert.deepEqual(comparable(fold(WHOLE, fromSnapshot(snapshot(), CODES))), comparable(fold(WHOLE)));
  });

  test('of a queued run', () => {
    const state = fromSnapshot(snapshot({ status: 'queued', stage: null, progress: 0, started_at: null, last_seq: 1 }), CODES, WHOLE[0].ts);
    assert.deepEqual(comparable(state), comparable(fold(WHOLE.slice(0, 1))));
  });

  test('of a run that waits tells its place and its time anew', () => {
    const at = Date.parse(WHOLE[0].ts) + 25_000;
    const waits = snapshot({ status: 'queued', stage: null, last_seq: 1, position: 2 });
    assert.equal(fromSnapshot(waits, CODES).position, 2);
    const came = fold(log(['queued', { position: 3, eta: ETA }]));
    const now = movedUp(came, { ...waits, eta: { ms: 60_000, low_ms: 55_000, high_ms: 100_000, basis: 'history' } }, at);
    assert.deepEqual([came.position, now.position], [3, 2]);
    assert.deepEqual(left(now, at), { low: 55_000, mid: 60_000, high: 100_000, history: true });
    assert.equal(movedUp(now, { ...waits, position: null }, at).position, null);
  });

  test('tells nothing of a run whose log says something else', () => {
    const came = fold(WHOLE.slice(0, 1));
    const at = Date.parse(WHOLE[3].ts);
    const waits = snapshot({ status: 'queued', stage: null, last_seq: 1, position: 2 });
    assert.equal(movedUp(came, snapshot({ last_seq: 1 }), at), came);
    assert.equal(movedUp(came, { ...waits, last_seq: 3 }, at), came);
    const works = fold(WHOLE.slice(0, 2));
    assert.equal(movedUp(works, { ...waits, last_seq: 2 }, at), works);
  });

  test('tells the time that is left once the log has had its chance to', () => {
    const state = fromSnapshot(snapshot(), CODES, '2026-03-03T10:00:00.000Z');
    assert.equal(left(state, '2026-03-03T10:00:04.900Z'), null);
    assert.deepEqual(left(state, '2026-03-03T10:00:05.000Z'), { low: 5000, mid: 15_000, high: 35_000, history: true });
    assert.deepEqual(fromSnapshot(snapshot(), CODES).remaining, nothingHeard());
    assert.deepEqual(fold(WHOLE.slice(0, 6)).remaining, hear(fold(WHOLE.slice(0, 4)).remaining, ETA, Date.parse(WHOLE[5].ts), true));
  });

  test('of a finished run', () => {
    const state = fromSnapshot(snapshot({ status: 'succeeded', stage: 'storing', progress: 100, last_seq: 15 }), CODES);
    assert.deepEqual(comparable(state), comparable({ ...fold(WHOLE) }));
    assert.equal(state.terminal.data.page_url, '/runs/r/');
  });

  test('of a failed run', () => {
    const error = { code: 'OUTPUT_INVALID', message: 'Not usable.', stage: 'validating' };
    const state = fromSnapshot(snapshot({ status: 'failed', stage: 'validating', error }), CODES);
    assert.equal(state.stages.validating, 'failed');
    assert.equal(state.stages.storing, 'skipped');
    assert.equal(state.message, 'Not usable.');
    assert.deepEqual(state.terminal, { event: 'error', data: error });
  });

  test('of a cancelled run', () => {
    const state = fromSnapshot(snapshot({ status: 'cancelled', cancelled_by: 'alice' }), CODES);
    assert.equal(state.stages.generating, 'cancelled');
    assert.deepEqual(state.terminal, { event: 'cancelled', data: { by: 'alice' } });
  });
});
