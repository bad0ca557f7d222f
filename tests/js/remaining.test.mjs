import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { etaText } from '../../generation/static/generation/eta.js';
import { hear, nothingHeard, rest, shownAt } from '../../generation/static/generation/remaining.js';
import { prng } from './prng.mjs';

const S = 1000;
const TICK = 5;
const history = (low, mid, high) => ({ ms: mid * S, low_ms: low * S, high_ms: high * S, basis: 'history' });
const shipped = (low, mid, high) => ({ ...history(low, mid, high), basis: 'default' });

/** Estimates as `[second, eta, begun]`, of a run that works unless `begun` is false. */
const fold = (...heard) =>
  heard.reduce((state, [second, eta, begun = true]) => hear(state, eta, second * S, begun), nothingHeard());
const words = (state, second) => etaText(shownAt(state, second * S));
const wordsAt = (state, seconds) => seconds.map((second) => words(state, second));

describe('one estimate', () => {
  test('runs down in steps, and is longer than usual after its high end', () => {
    assert.deepEqual(wordsAt(fold([0, history(10, 18, 25)]), [0, 4, 5, 9, 10, 15, 20, 24, 25, 600]), [
      'about 10–25 s left',
      'about 10–25 s left',
      'about 5–20 s left',
      'about 5–20 s left',
      'up to 15 s left',
      'up to 10 s left',
      'a few seconds left',
      'a few seconds left',
      'taking longer than usual',
      'taking longer than usual',
    ]);
  });

  test('that is shipped runs out without a word', () => {
    assert.deepEqual(wordsAt(fold([0, shipped(5, 12, 20)]), [0, 5, 10, 15, 20, 600]), [
      'usually about 10 s left',
      'usually about 5 s left',
      'usually up to 10 s left',
      'usually a few seconds',
      '',
      '',
    ]);
  });

  test('of less than a second is a few seconds until five have passed', () => {
    assert.deepEqual(wordsAt(fold([0, history(0, 0, 0)]), [0, 4.9, 5]), ['a few seconds left', 'a few seconds left', 'taking longer than usual']);
  });

  test('does not grow on a clock that is set back', () => {
    assert.equal(words(fold([100, history(10, 18, 25)]), 40), 'about 10–25 s left');
  });
});

describe('nothing is said', () => {
  const UNSAYABLE = [
    ['none', null],
    ['none given', undefined],
    ['not a number', { ...history(1, 2, 3), ms: NaN }],
    ['incomplete', { ms: 5000, basis: 'history' }],
    ['negative', history(-3, 2, 3)],
    ['longer than a day', history(1, 2, 90_000)],
  ];
  for (const [name, eta] of UNSAYABLE) {
    test(`of an estimate that is ${name}`, () => {
      assert.deepEqual(wordsAt(fold([0, eta]), [0, 5, 3600]), ['', '', '']);
    });
  }

  test('before anything was heard', () => {
    assert.equal(words(nothingHeard(), 5), '');
  });

  test('of an estimate without a time', () => {
    assert.deepEqual(hear(nothingHeard(), history(1, 2, 3), NaN, true), nothingHeard());
  });

  test('once an estimate is withdrawn from a run that waits, or one that was shipped', () => {
    const waiting = fold([0, history(10, 20, 60), false], [2, null, false]);
    assert.deepEqual(wordsAt(waiting, [4, 5, 59]), ['about 10 s – 1 min left', '', '']);
    assert.deepEqual(wordsAt(fold([0, shipped(10, 20, 60)], [2, null]), [4, 5, 59]), ['usually about 20 s left', '', '']);
  });
});

describe('a later estimate', () => {
  test('that says the same of the end changes nothing', () => {
    const alone = fold([0, history(10, 20, 60)]);
    // They end eight seconds earlier, which is little beside the range.
    const again = fold([0, history(10, 20, 60)], [7, history(5, 10, 45)], [12, history(0, 9, 40)]);
    const seconds = [12, 15, 20, 29];
    assert.deepEqual(wordsAt(again, seconds), wordsAt(alone, seconds));
  });

  test('that stays where it was stops the countdown and does not set it back', () => {
    const heard = Array.from({ length: 70 }, (_, index) => [index / 4, history(7, 10, 18)]);
    for (let count = 1; count <= heard.length; count += 1) {
      assert.equal(words(fold(...heard.slice(0, count)), (count - 1) / 4), 'about 5–20 s left');
    }
  });

  test('that says something else is shown with the next step', () => {
    const state = fold([0, history(10, 20, 40)], [6, history(20, 40, 58)]);
    assert.deepEqual(wordsAt(state, [6, 9, 10]), ['about 5–35 s left', 'about 5–35 s left', 'about 15–55 s left']);
  });

  test('beyond all that was shown is shown at once', () => {
    assert.equal(words(fold([0, history(5, 8, 12)], [6, history(60, 120, 240)]), 6), 'about 1–4 min left');
    assert.equal(words(fold([0, history(0, 8, 12)], [6, history(0, 20, 40)]), 6), 'up to 40 s left');
    assert.equal(words(fold([0, history(0, 8, 12)], [6, history(0, 12, 18)]), 6), 'up to 10 s left');
  });

  test('comes back at once where nothing has been shown for a while', () => {
    assert.equal(words(fold([0, shipped(10, 20, 60)], [2, null], [30, history(5, 10, 20)]), 30), 'about 5–20 s left');
  });

  test('that comes and goes does not make the words do so', () => {
    const heard = Array.from({ length: 16 }, (_, index) => [index / 4, index % 2 ? null : history(10, 20, 60)]);
    for (let count = 1; count <= heard.length; count += 1) {
      assert.equal(words(fold(...heard.slice(0, count)), heard[count - 1][0]), 'about 10 s – 1 min left');
    }
  });
});

describe('longer than usual', () => {
  const SLOW = [[0, history(5, 8, 12)], [8, history(3, 8, 14)], [15, history(20, 25, 40)]];

  test('is past the high end of what was promised first, and says what is left', () => {
    const state = fold(...SLOW);
    assert.deepEqual(wordsAt(fold(...SLOW.slice(0, 2)), [8, 13, 15]), [
      'up to 10 s left',
      'up to 10 s left',
      'taking longer than usual, up to 10 s left',
    ]);
    assert.deepEqual(wordsAt(state, [15, 25, 55]), [
      'taking longer than usual, about 20–40 s left',
      'taking longer than usual, about 10–30 s left',
      'taking longer than usual',
    ]);
  });

  test('is said alone when no estimate is given any more, once what was promised has passed', () => {
    assert.deepEqual(wordsAt(fold([0, history(5, 8, 12)], [7, null]), [9, 10, 15, 60]), [
      'up to 10 s left', 'a few seconds left', 'taking longer than usual', 'taking longer than usual',
    ]);
  });

  test('is said with the first step after a short promise, whatever follows it', () => {
    for (const then of [[], [[2, null]], [[2, null], [4, null]], [[2, history(0, 0, 1)], [3, null]]]) {
      const state = fold([0, history(0.5, 1, 1.9)], ...then);
      assert.deepEqual(wordsAt(state, [0, 4.9]), Array(2).fill('a few seconds left'));
      for (const said of wordsAt(state, [5, 9, 10, 60])) assert.match(said, /^taking longer than usual/);
    }
  });

  test('is said with the first step after the promise where shipped figures stood in between', () => {
    const state = fold([0, history(5, 8, 12)], [2, shipped(0, 1, 2)], [6, null]);
    assert.deepEqual(wordsAt(state, [14.9, 15]), ['', 'taking longer than usual']);
  });

  test('is measured from where the run began to work, not from where it came to the queue', () => {
    const state = fold([0, history(5, 10, 20), false], [60, history(5, 10, 20)]);
    assert.equal(words(fold([0, history(5, 10, 20), false]), 59), 'taking longer than usual');
    assert.equal(words(state, 60), 'about 5–20 s left');
  });

  test('does not count a rest, in which nothing is said', () => {
    const worked = fold([0, history(5, 10, 20)]);
    const resting = rest(worked, 10 * S);
    assert.deepEqual(wordsAt(resting, [10, 25, 1000]), ['', '', '']);
    assert.deepEqual(rest(resting, 500 * S), resting);
    const back = hear(resting, history(5, 8, 30), 1010 * S, true);
    assert.equal(words(back, 1010), 'about 5–30 s left');
    assert.equal(words(back, 1020), 'taking longer than usual, up to 20 s left');
    assert.equal(words(hear(resting, null, 1010 * S, true), 1020), 'taking longer than usual');
  });

  test('is never said from shipped figures', () => {
    assert.deepEqual(wordsAt(fold([0, shipped(5, 8, 10)], [9, shipped(5, 8, 20)]), [10, 60]), ['usually about 5 s left', '']);
    assert.equal(words(fold([0, history(5, 8, 10)], [12, shipped(5, 8, 20)]), 15), 'taking longer than usual');
  });
});

/** A run of about a minute that is told of as badly as may be. */
function anyEstimates(random) {
  const heard = [];
  for (let second = 0; second < 120; second += random() < 0.3 ? random() * 20 : 0.25) {
    const parts = [random(), random(), random()].map((part) => Math.round(part * 90)).sort((a, b) => a - b);
    const eta = random() < 0.1 ? null : random() < 0.2 ? shipped(...parts) : history(...parts);
    heard.push([second, eta]);
  }
  return heard;
}

describe('whatever the estimates', () => {
  test('no number is negative or none at all, and low is never above high', () => {
    const random = prng(7);
    for (let round = 0; round < 100; round += 1) {
      const heard = anyEstimates(random);
      let state = nothingHeard();
      for (const [second, eta] of heard) {
        state = hear(state, eta, second * S, true);
        for (const later of [0, 1, 7, 60, 9999]) {
          const shown = shownAt(state, (second + later) * S);
          const { left } = shown;
          if (left) {
            assert.ok(left.low >= 0 && left.low <= left.mid && left.mid <= left.high && left.high > 0, JSON.stringify(left));
          }
          assert.doesNotMatch(etaText(shown), /-|NaN|undefined|null|\b0 /);
        }
      }
    }
  });

  test('looking more often shows nothing else', () => {
    const random = prng(11);
    for (let round = 0; round < 50; round += 1) {
      const heard = anyEstimates(random);
      let looked = nothingHeard();
      for (const [second, eta] of heard) {
        // What was said again in between changes the newest estimate, not what follows from it.
        for (let t = 1; t < 4; t += 1) shownAt(looked, second * S + t);
        looked = hear(looked, eta, second * S, true);
      }
      assert.deepEqual(looked, fold(...heard));
    }
  });

  test('the words change at most every five seconds, unless an estimate lies beyond the range shown', () => {
    const random = prng(13);
    for (let round = 0; round < 100; round += 1) {
      // All within one range's width of each other.
      const end = 40 + random() * 60;
      const heard = [];
      for (let second = 0; second < end; second += 0.25 + random() * 3) {
        const left = end - second;
        heard.push([second, random() < 0.1 ? null : history(left * (0.3 + random() * 0.2), left * (0.6 + random() * 0.2), left * (1 + random() * 0.3))]);
      }
      let [state, index, before, changed] = [nothingHeard(), 0, '', -Infinity];
      for (let second = 0; second < end + 60; second += 0.25) {
        for (; index < heard.length && heard[index][0] <= second; index += 1) {
          state = hear(state, heard[index][1], heard[index][0] * S, true);
        }
        const now = words(state, second);
        if (now === before) continue;
        assert.ok(second - changed >= TICK - 0.25, `${before} → ${now} after ${second - changed} s`);
        [before, changed] = [now, second];
      }
    }
  });

  test('with a constant truth, told as often as may be, both ends only run down', () => {
    const random = prng(17);
    for (let round = 0; round < 200; round += 1) {
      const [low, mid, high] = [random(), random(), random()].map((part) => part * 900).sort((a, b) => a - b);
      const make = random() < 0.5 ? history : shipped;
      const every = [Infinity, 0.25, 3, 17][round % 4];
      let [state, told, before] = [nothingHeard(), -Infinity, null];
      for (let second = 0; second < high; second += 0.75) {
        if (second - told >= every || second === 0) {
          const left = [low, mid, high].map((end) => Math.max(0, end - second));
          state = hear(state, make(...left), second * S, true);
          told = second;
        }
        const { left, late } = shownAt(state, second * S);
        assert.ok(left && !late);
        assert.ok(left.high >= (high - second) * S - 1, 'the range is not narrowed');
        if (before) assert.ok(left.high <= before.high && left.low <= before.low && left.mid <= before.mid);
        before = left;
      }
    }
  });

  test('years of silence cost no time', () => {
    const began = performance.now();
    assert.deepEqual(shownAt(fold([0, history(1, 2, 80_000)]), 10 ** 9 * S), { left: null, late: true });
    assert.ok(performance.now() - began < 1000);
  });
});
