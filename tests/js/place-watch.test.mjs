import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PlaceWatch } from '../../generation/static/generation/place-watch.js';

const URL = '/api/runs/r';

/** A clock that stands until it is moved on, and moves from one timer to the next. */
class Clock {
  now = 0;
  #timers = new Map();
  #last = 0;

  setTimeout(callback, ms) {
    this.#last += 1;
    this.#timers.set(this.#last, { at: this.now + ms, callback });
    return this.#last;
  }

  clearTimeout(handle) {
    this.#timers.delete(handle);
  }

  async pass(ms) {
    const until = this.now + ms;
    for (;;) {
      const [handle, due] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!due || due.at > until) break;
      this.now = due.at;
      this.#timers.delete(handle);
      due.callback();
      await settled();
    }
    this.now = until;
  }
}

class Page extends EventTarget {
  visibilityState = 'visible';

  become(state) {
    this.visibilityState = state;
    this.dispatchEvent(new Event('visibilitychange'));
    return settled();
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const told = (position) => Response.json({ status: 'queued', position });

/** A watch on a page, and the seconds at which it asked; `answer` gives each response. */
function watching(answer = (n) => told(9 - n)) {
  const [clock, page, asked, snapshots] = [new Clock(), new Page(), [], []];
  const watch = new PlaceWatch({
    onSnapshot: (snapshot) => snapshots.push(snapshot.position),
    fetch: (url, init) => {
      assert.equal(url, URL);
      asked.push(clock.now / 1000);
      return answer(asked.length, init);
    },
    timers: clock,
    now: () => clock.now,
    random: () => 1,
    document: page,
  });
  watch.watch(URL);
  return { watch, clock, page, asked, snapshots };
}

describe('while a run waits', () => {
  test('its snapshot is asked for every five seconds', async () => {
    const { clock, asked, snapshots } = watching();
    await clock.pass(16_000);
    assert.deepEqual(asked, [5, 10, 15]);
    assert.deepEqual(snapshots, [8, 7, 6]);
  });

  test('saying so again asks no more often', async () => {
    const { watch, clock, asked } = watching();
    for (let second = 0; second < 12; second += 1) {
      watch.watch(URL);
      await clock.pass(1000);
    }
    assert.deepEqual(asked, [5, 10]);
  });

  test('one request is answered or given up before the next', async () => {
    const gaveUp = [];
    const { clock, asked, snapshots } = watching((n, { signal }) =>
      n > 1 ? told(1) : new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          gaveUp.push(clock.now / 1000);
          reject(signal.reason);
        });
      }),
    );
    await clock.pass(29_000);
    assert.deepEqual([asked, gaveUp, snapshots], [[5], [20], []]);
    await clock.pass(2000);
    assert.deepEqual([asked, snapshots], [[5, 30], [1]]);
  });

  test('nothing is asked for a page that nobody looks at, and once when somebody looks again', async () => {
    const { clock, page, asked } = watching();
    await clock.pass(6000);
    await page.become('hidden');
    await clock.pass(60_000);
    assert.deepEqual(asked, [5]);
    await page.become('visible');
    await page.become('hidden');
    await page.become('visible');
    assert.deepEqual(asked, [5, 66]);
    await clock.pass(5000);
    assert.deepEqual(asked, [5, 66, 71]);
  });

  test('a server in trouble is asked less and less often, until it answers', async () => {
    const { clock, asked } = watching((n) => {
      if (n > 6) return told(1);
      return n % 2 ? new Response('', { status: 503 }) : Promise.reject(new TypeError('network'));
    });
    await clock.pass(300_000);
    assert.deepEqual(asked.slice(0, 9), [5, 15, 30, 55, 100, 165, 230, 235, 240]);
  });

  test('a server that says when is not asked before', async () => {
    const { clock, asked } = watching((n) => (n > 1 ? told(1) : new Response('', { status: 429, headers: { 'Retry-After': '40' } })));
    await clock.pass(60_000);
    assert.deepEqual(asked, [5, 50, 55, 60]);
  });

  test('who is refused does not ask again', async () => {
    const { clock, asked, snapshots } = watching(() => new Response('{}', { status: 404 }));
    await clock.pass(600_000);
    assert.deepEqual([asked, snapshots], [[5], []]);
  });
});

test('once it runs nothing is asked, nor an answer heard that comes late', async () => {
  const answers = [];
  const { watch, clock, page, asked, snapshots } = watching(() => new Promise((resolve) => answers.push(resolve)));
  await clock.pass(5000);
  watch.watch(null);
  answers[0](told(1));
  await settled();
  await page.become('visible');
  await clock.pass(60_000);
  assert.deepEqual([asked, snapshots], [[5], []]);
  watch.watch(URL);
  await clock.pass(5000);
  assert.deepEqual(asked, [5, 70]);
});
