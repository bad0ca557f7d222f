import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { elapsedText, etaText } from '../../generation/static/generation/eta.js';
import { prng } from './prng.mjs';

const history = (low, mid, high) => ({ ms: mid * 1000, low_ms: low * 1000, high_ms: high * 1000, basis: 'history' });
const shipped = (low, mid, high) => ({ ...history(low, mid, high), basis: 'default' });

describe('the words of an estimate', () => {
  const TABLE = [
    ['a range', history(10, 18, 25), 0, 'about 10–25 s left', 'ca. 10–25 sek. tilbage'],
    ['rounded outwards', history(12, 18, 23), 0, 'about 10–25 s left', 'ca. 10–25 sek. tilbage'],
    ['a range run down', history(20, 30, 45), 10, 'about 10–35 s left', 'ca. 10–35 sek. tilbage'],
    ['past its low end', history(10, 18, 25), 12, 'up to 15 s left', 'op til 15 sek. tilbage'],
    ['nearly over', history(10, 18, 25), 21, 'a few seconds left', 'få sekunder tilbage'],
    ['at its high end', history(10, 18, 25), 25, 'a few seconds left', 'få sekunder tilbage'],
    ['past its high end', history(10, 18, 25), 25.1, 'taking longer than usual', 'tager længere tid end normalt'],
    ['a point', history(15, 15, 15), 0, 'about 15 s left', 'ca. 15 sek. tilbage'],
    ['whole minutes', history(120, 150, 240), 0, 'about 2–4 min left', 'ca. 2–4 min. tilbage'],
    ['seconds to minutes', history(48, 60, 80), 0, 'about 45 s – 1 min 30 s left', 'ca. 45 sek. – 1 min. 30 sek. tilbage'],
    ['shipped figures', shipped(20, 42, 90), 0, 'usually about 40 s left', 'normalt ca. 40 sek. tilbage'],
    ['shipped figures past the middle', shipped(20, 42, 90), 50, 'usually up to 40 s left', 'normalt op til 40 sek. tilbage'],
    ['shipped figures nearly over', shipped(20, 42, 90), 88, 'usually a few seconds', 'normalt få sekunder'],
    ['shipped figures past the end', shipped(20, 42, 90), 91, '', ''],
    ['a clock that runs behind', history(10, 18, 25), -60, 'about 10–25 s left', 'ca. 10–25 sek. tilbage'],
    ['no age', history(10, 18, 25), NaN, 'about 10–25 s left', 'ca. 10–25 sek. tilbage'],
    ['none', null, 5, '', ''],
    ['none given', undefined, 5, '', ''],
    ['not finite', history(10, NaN, 25), 0, '', ''],
    ['incomplete', { ms: 5, basis: 'default' }, 0, '', ''],
  ];
  for (const [name, eta, since, en, da] of TABLE) {
    test(name, () => {
      assert.equal(etaText(eta, since * 1000), en);
      assert.equal(etaText(eta, since * 1000, 'da-DK'), da);
    });
  }

  test('a language without words gets English', () => {
    assert.equal(etaText(history(10, 18, 25), 0, 'constructor'), 'about 10–25 s left');
  });

  test('the words stand still between ticks', () => {
    const texts = new Set();
    for (let second = 0; second <= 90; second += 1) texts.add(etaText(history(30, 60, 90), second * 1000));
    assert.ok(texts.size <= 22, [...texts].join(' | '));
  });

  test('no estimate is ever negative, and none says more later', () => {
    const random = prng(7);
    for (let round = 0; round < 300; round += 1) {
      const [low, mid, high] = [random(), random(), random()].sort().map((part) => Math.round(part * 1200));
      const eta = random() < 0.5 ? history(low, mid, high) : shipped(low, mid, high);
      let before = Infinity;
      for (let since = 0; since <= high + 10; since += 7) {
        const text = etaText(eta, since * 1000);
        assert.doesNotMatch(text, /-|NaN|undefined|\b0 /);
        const bound = upperBound(text);
        if (eta.basis === 'history') {
          assert.ok(bound <= before, `${JSON.stringify(eta)} after ${since} s: ${text}`);
          before = bound;
        }
      }
    }
  });
});

function upperBound(text) {
  if (!/\d/.test(text)) return 0;
  const last = text.split('–').at(-1);
  const minutes = Number(/(\d+) min/.exec(last)?.[1] ?? 0);
  return minutes * 60 + Number(/(\d+) s/.exec(last)?.[1] ?? 0);
}

test('the clock', () => {
  const faces = [[0, '0:00'], [7_999, '0:07'], [65_000, '1:05'], [754_000, '12:34'], [3_723_000, '1:02:03'], [-5, '0:00'], [NaN, '0:00']];
  for (const [ms, face] of faces) assert.equal(elapsedText(ms), face);
});
