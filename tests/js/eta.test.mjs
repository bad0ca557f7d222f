import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { elapsedText, etaText } from '../../generation/static/generation/eta.js';

const history = (low, mid, high) => ({ low: low * 1000, mid: mid * 1000, high: high * 1000, history: true });
const shipped = (low, mid, high) => ({ ...history(low, mid, high), history: false });

describe('the words of what is left', () => {
  const TABLE = [
    ['a range', history(10, 18, 25), 'about 10–25 s left', 'ca. 10–25 sek. tilbage'],
    ['rounded outwards', history(12, 18, 23), 'about 10–25 s left', 'ca. 10–25 sek. tilbage'],
    ['no low end', history(0, 10, 15), 'up to 15 s left', 'op til 15 sek. tilbage'],
    ['nearly over', history(0, 1, 5), 'a few seconds left', 'få sekunder tilbage'],
    ['a point', history(15, 15, 15), 'about 15 s left', 'ca. 15 sek. tilbage'],
    ['whole minutes', history(120, 150, 240), 'about 2–4 min left', 'ca. 2–4 min. tilbage'],
    ['seconds to minutes', history(48, 60, 80), 'about 45 s – 1 min 30 s left', 'ca. 45 sek. – 1 min. 30 sek. tilbage'],
    ['hours', history(3500, 5000, 7300), 'about 58 min – 2 h 5 min left', 'ca. 58 min. – 2 t. 5 min. tilbage'],
    ['a whole hour', history(1800, 3000, 3600), 'about 30 min – 1 h left', 'ca. 30 min. – 1 t. tilbage'],
    ['shipped figures', shipped(20, 42, 90), 'usually about 40 s left', 'normalt ca. 40 sek. tilbage'],
    ['shipped figures past the middle', shipped(0, 0, 40), 'usually up to 40 s left', 'normalt op til 40 sek. tilbage'],
    ['shipped figures nearly over', shipped(0, 0, 2), 'usually a few seconds', 'normalt få sekunder'],
    ['nothing', null, '', ''],
  ];
  for (const [name, left, en, da] of TABLE) {
    test(name, () => {
      assert.equal(etaText({ left, late: false }), en);
      assert.equal(etaText({ left, late: false }, 'da-DK'), da);
    });
  }

  const LATE = [
    ['a range', history(10, 12, 20), 'taking longer than usual, about 10–20 s left', 'tager længere tid end normalt, ca. 10–20 sek. tilbage'],
    ['nothing', null, 'taking longer than usual', 'tager længere tid end normalt'],
    ['shipped figures', shipped(20, 42, 90), 'taking longer than usual', 'tager længere tid end normalt'],
  ];
  for (const [name, left, en, da] of LATE) {
    test(`later than usual, with ${name}`, () => {
      assert.equal(etaText({ left, late: true }), en);
      assert.equal(etaText({ left, late: true }, 'da'), da);
    });
  }

  test('a language without words gets English', () => {
    assert.equal(etaText({ left: history(10, 18, 25), late: false }, 'constructor'), 'about 10–25 s left');
  });

  test('less time never reads as more', () => {
    const texts = Array.from({ length: 20_000 }, (_, second) => etaText({ left: history(0, 0, second), late: false }));
    const seconds = texts.map((text) => {
      const [hours, minutes, rest] = ['h', 'min', 's'].map((unit) => Number(new RegExp(`(\\d+) ${unit}\\b`).exec(text)?.[1] ?? 0));
      return hours * 3600 + minutes * 60 + rest;
    });
    assert.deepEqual(seconds, [...seconds].sort((a, b) => a - b));
    assert.ok(seconds.every((said, second) => second <= 5 || said >= second));
  });
});

test('the clock', () => {
  const faces = [[0, '0:00'], [7_999, '0:07'], [65_000, '1:05'], [754_000, '12:34'], [3_723_000, '1:02:03'], [-5, '0:00'], [NaN, '0:00']];
  for (const [ms, face] of faces) assert.equal(elapsedText(ms), face);
});
