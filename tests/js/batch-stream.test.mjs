import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import { BatchStream } from '../../generation/static/generation/batch-stream.js';

const CONNECTING = 0;
const CLOSED = 2;

/** What a browser's EventSource does, at our word. */
class Source extends EventTarget {
  static made = [];
  readyState = CONNECTING;

  constructor(url) {
    super();
    this.url = url;
    Source.made.push(this);
  }

  close() {
    this.readyState = CLOSED;
  }

  tell(message) {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(message) }));
  }

  happens(name, readyState = this.readyState) {
    this.readyState = readyState;
    this.dispatchEvent(new Event(name));
  }
}

class Clock {
  #due = new Map();
  #last = 0;
  now = 0;

  setTimeout(callback, ms) {
    this.#due.set((this.#last += 1), { callback, at: this.now + ms });
    return this.#last;
  }

  clearTimeout(handle) {
    this.#due.delete(handle);
  }

  pass(ms) {
    this.now += ms;
    for (const [handle, { callback, at }] of [...this.#due]) {
      if (at <= this.now && this.#due.delete(handle)) callback();
    }
  }

  get waiting() {
    return this.#due.size;
  }
}

const BATCH = { event: 'batch', data: { runs: [] } };
let clock;
let heard;
let states;
let stream;

beforeEach(() => {
  Source.made = [];
  clock = new Clock();
  heard = [];
  states = [];
  stream = new BatchStream({
    url: '/api/batches/b/stream',
    onMessage: (message) => heard.push(message.event),
    onState: (report) => states.push(report),
    EventSource: Source,
    timers: clock,
    random: () => 1,
  });
  stream.open();
});

const source = () => Source.made.at(-1);
const last = () => states.at(-1);

describe('the stream of a batch', () => {
  test('gives each message in turn', () => {
    source().happens('open', 1);
    source().tell(BATCH);
    source().tell({ event: 'run', data: {} });
    assert.deepEqual(heard, ['batch', 'run']);
    assert.deepEqual(states.map(({ state }) => state), ['connecting', 'connected']);
  });

  test('closes at the last message, or the browser would begin again', () => {
    source().tell({ event: 'batch_complete', data: {} });
    assert.equal(source().readyState, CLOSED);
    assert.deepEqual([heard, last().state, clock.waiting], [['batch_complete'], 'ended', 0]);
  });

  test('comes back after a cut, later each time until something is heard again', () => {
    const delays = [];
    for (let cut = 0; cut < 7; cut += 1) {
      source().happens('error');
      delays.push(last().inMs);
      clock.pass(last().inMs);
    }
    assert.deepEqual(delays, [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    assert.equal(Source.made.length, 8);
    source().tell(BATCH);
    source().happens('error');
    assert.equal(last().inMs, 1000);
  });

  test('comes back after a refusal too, and says that it was one', () => {
    source().happens('error', CLOSED);
    assert.deepEqual(last(), { state: 'retrying', inMs: 1000, refused: true });
    clock.pass(1000);
    assert.equal(Source.made.length, 2);
    source().happens('error', CONNECTING);
    assert.equal(last().refused, false);
  });

  test('a silent line is dead, and heartbeats are no silence', () => {
    source().happens('open', 1);
    for (let beat = 0; beat < 10; beat += 1) {
      clock.pass(15_000);
      source().happens('ping');
    }
    assert.equal(Source.made.length, 1);
    clock.pass(40_000);
    assert.equal(last().state, 'retrying');
    clock.pass(last().inMs);
    assert.equal(Source.made.length, 2);
    assert.equal(Source.made[0].readyState, CLOSED);
  });

  test('does not wait when the network is back', () => {
    source().happens('error');
    stream.wake();
    assert.equal(Source.made.length, 2);
    clock.pass(1000);
    assert.equal(Source.made.length, 2);
  });

  test('waking a live one or an ended one does nothing', () => {
    stream.wake();
    assert.equal(Source.made.length, 1);
    stream.close();
    stream.wake();
    assert.equal(Source.made.length, 1);
  });

  test('a closed one can be opened again', () => {
    source().tell({ event: 'batch_complete', data: {} });
    stream.open();
    source().tell(BATCH);
    assert.deepEqual(heard, ['batch_complete', 'batch']);
  });
});
