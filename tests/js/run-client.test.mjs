import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test as nodeTest } from 'node:test';

import { followRun, RunClient } from '../../generation/static/generation/run-client.js';
import { prng } from './prng.mjs';
import { cursor, envelope, frame, frames, HEAD, PING, serve } from './stream-server.mjs';

const test = (name, body) => nodeTest(name, { timeout: 15_000 }, body);

/** A client that comes back quickly, and what it reports. */
function follow(t, options) {
  const events = [];
  const reports = [];
  const client = followRun({
    // Long, so that a busy machine does not look like a silent server, even to timers that run fast.
    heartbeatMs: 2_000_000,
    baseDelayMs: 1,
    maxDelayMs: 10,
    onEvent: (event) => events.push(event),
    onState: (report) => reports.push(report),
    ...options,
  });
  t.after(() => client.close());
  return { client, events, reports };
}

const states = (reports) => reports.map(({ state }) => state);
const seqs = (events) => events.map(({ seq }) => seq);
const upTo = (last) => Array.from({ length: last }, (_, index) => index + 1);
const losses = (reports) => reports.filter(({ state }) => state === 'retrying').map(({ reason }) => reason);
const delays = (reports) => reports.filter(({ state }) => state === 'retrying').map(({ inMs }) => inMs);

async function until(condition) {
  for (let tries = 0; tries < 2_000; tries += 1) {
    if (condition()) return;
    await sleep(2);
  }
  assert.fail(`never came true: ${condition}`);
}

async function closed(socket) {
  if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(3_000) });
}

/** Timers that run a hundred times faster than they say, and know what is pending. */
function fastTimers(factor = 100) {
  const pending = new Set();
  return {
    pending,
    setTimeout(callback, ms) {
      const handle = setTimeout(() => {
        pending.delete(handle);
        callback();
      }, ms / factor);
      pending.add(handle);
      return handle;
    },
    clearTimeout(handle) {
      pending.delete(handle);
      clearTimeout(handle);
    },
  };
}

/** An EventTarget that counts its listeners. */
class Target extends EventTarget {
  visibilityState = 'visible';
  listeners = 0;
  addEventListener(...args) {
    this.listeners += 1;
    super.addEventListener(...args);
  }
  removeEventListener(...args) {
    this.listeners -= 1;
    super.removeEventListener(...args);
  }
  become(visibilityState) {
    this.visibilityState = visibilityState;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

describe('a run', () => {
  test('is followed to its terminal event', async (t) => {
    const { url, requests } = await serve(t, (request, response) => response.writeHead(200, HEAD).end(frames(0, 5)));
    const { client, events, reports } = follow(t, { streamUrl: url, headers: { Authorization: 'Token abc' } });
    assert.deepEqual(await client.ended, { state: 'disconnected', reason: 'terminal' });
    assert.deepEqual(seqs(events), upTo(5));
    assert.equal(events[4].event, 'complete');
    assert.equal(events[0].data.message, 'Vælger øvelser 🦵');
    assert.deepEqual(states(reports), ['connecting', 'connected', 'disconnected']);
    assert.equal(requests.length, 1);
    assert.equal(requests[0].headers.accept, 'text/event-stream');
    assert.equal(requests[0].headers.authorization, 'Token abc');
    assert.equal(requests[0].headers['last-event-id'], undefined);
  });

  for (const event of ['complete', 'error', 'cancelled']) {
    test(`ends with ${event} even if the server keeps the line open`, async (t) => {
      const { url, requests } = await serve(t, (request, response) => response.writeHead(200, HEAD).write(frame(1, event)));
      const { client } = follow(t, { streamUrl: url });
      assert.equal((await client.ended).reason, 'terminal');
      await closed(requests[0].socket);
    });
  }

  test('continues from a cursor', async (t) => {
    const { url } = await serve(t, (request, response) => response.writeHead(200, HEAD).end(frames(cursor(request), 9)));
    const { client, events } = follow(t, { streamUrl: url, after: 6 });
    await client.ended;
    assert.deepEqual(seqs(events), [7, 8, 9]);
    assert.equal(client.lastSeq, 9);
  });

  test('is read from named events too', async (t) => {
    const named = frames(0, 3).replaceAll('data:', 'event: progress\ndata:');
    const { url } = await serve(t, (request, response) => response.writeHead(200, HEAD).end(named));
    const { client, events } = follow(t, { streamUrl: url });
    await client.ended;
    assert.deepEqual(seqs(events), upTo(3));
  });

  test('frames that are no envelope are passed over', async (t) => {
    const odd = 'data: {broken\n\ndata: null\n\ndata: 7\n\ndata: {"seq": "1"}\n\ndata: {"event": "batch"}\n\n';
    const { url, requests } = await serve(t, (request, response) => response.writeHead(200, HEAD).end(odd + frames(0, 2)));
    const { client, events } = follow(t, { streamUrl: url });
    await client.ended;
    assert.deepEqual(seqs(events), [1, 2]);
    assert.equal(requests.length, 1);
  });

  test('that has nothing more to say answers 204', async (t) => {
    const { url, requests } = await serve(t, (request, response) => response.writeHead(204).end());
    const { client, events, reports } = follow(t, { streamUrl: url, after: 9 });
    assert.deepEqual(await client.ended, { state: 'disconnected', reason: 'ended' });
    assert.deepEqual(events, []);
    assert.deepEqual(states(reports), ['connecting', 'disconnected']);
    assert.equal(requests.length, 1);
  });
});

describe('a line that fails', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`cut twenty times at any byte, loses and repeats nothing (seed ${seed})`, async (t) => {
      const random = prng(seed);
      const { url, requests } = await serve(t, (request, response, nth) => {
        const rest = Buffer.from(`retry: 1\n\n${frames(cursor(request), 60)}`);
        response.writeHead(200, HEAD);
        if (nth > 20) {
          response.end(rest);
          return;
        }
        // Far enough to make way, seldom far enough to end: a cut may fall into a frame, a letter or the preamble.
        const cut = Math.floor(random() * Math.min(rest.length - 1, 900));
        response.write(rest.subarray(0, cut), () => setImmediate(() => response.destroy()));
      });
      const { client, events, reports } = follow(t, { streamUrl: url, random: prng(seed + 100) });
      assert.equal((await client.ended).reason, 'terminal');
      assert.deepEqual(seqs(events), upTo(60));
      assert.equal(requests.length, 21);
      assert.equal(losses(reports).length, 20);
      assert.ok(requests.some((request) => cursor(request) > 0));
    });
  }

  test('and a server that repeats what was seen', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      const all = upTo(8).map((seq) => frame(seq).repeat(2)).join('');
      response.writeHead(200, HEAD).end(nth < 3 ? all.slice(0, all.length / nth) : all + all + frame(9, 'complete'));
    });
    const { client, events } = follow(t, { streamUrl: url });
    await client.ended;
    assert.deepEqual(seqs(events), upTo(9));
  });

  test('a gap is not accepted but read again', async (t) => {
    const { url, requests } = await serve(t, (request, response, nth) => {
      response.writeHead(200, HEAD);
      if (nth === 1) response.write(frame(1) + frame(2) + frame(4) + frame(5, 'complete'));
      else response.end(frames(cursor(request), 5));
    });
    const { client, events, reports } = follow(t, { streamUrl: url });
    await client.ended;
    assert.deepEqual(seqs(events), upTo(5));
    assert.equal(cursor(requests[1]), 2);
    assert.deepEqual(losses(reports), ['gap']);
  });

  test('a clean end without a terminal event is no end', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      response.writeHead(200, HEAD).end(nth === 1 ? frame(1) + frame(2) : frames(cursor(request), 4));
    });
    const { client, events, reports } = follow(t, { streamUrl: url });
    await client.ended;
    assert.deepEqual(seqs(events), upTo(4));
    assert.deepEqual(states(reports), ['connecting', 'connected', 'retrying', 'connecting', 'connected', 'disconnected']);
    assert.deepEqual(losses(reports), ['cut']);
  });

  test('silence is a lost line', async (t) => {
    const { url, requests } = await serve(t, (request, response, nth) => {
      response.writeHead(200, HEAD);
      if (nth === 1) response.write(frame(1) + frame(2));
      else response.end(frames(cursor(request), 3));
    });
    const began = performance.now();
    const { client, events, reports } = follow(t, { streamUrl: url, heartbeatMs: 60 });
    await client.ended;
    assert.ok(performance.now() - began >= 145);
    assert.deepEqual(seqs(events), upTo(3));
    assert.equal(cursor(requests[1]), 2);
    assert.equal(losses(reports)[0], 'stall');
  });

  test('silence before the headers is a lost line', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      if (nth > 1) response.writeHead(200, HEAD).end(frames(0, 1));
    });
    const { client, reports } = follow(t, { streamUrl: url, stallMs: 80 });
    await client.ended;
    assert.equal(losses(reports)[0], 'stall');
  });

  test('pings keep an idle line', async (t) => {
    const { url, requests } = await serve(t, async (request, response) => {
      response.writeHead(200, HEAD);
      for (let n = 0; n < 12; n += 1) {
        response.write(PING);
        await sleep(75);
      }
      response.end(frames(0, 1));
    });
    const { client, events } = follow(t, { streamUrl: url, stallMs: 600 });
    await client.ended;
    assert.equal(events.length, 1);
    assert.equal(requests.length, 1);
  });

  test('a server that is away and comes back', async (t) => {
    const { url } = await serve(t, (request, response) => response.writeHead(200, HEAD).end(frames(0, 2)));
    let away = 5;
    const fetchOrFail = (input, init) => (away-- > 0 ? Promise.reject(new TypeError('fetch failed')) : fetch(input, init));
    const { client, events, reports } = follow(t, { streamUrl: url, fetch: fetchOrFail });
    await client.ended;
    assert.deepEqual(seqs(events), [1, 2]);
    assert.deepEqual(losses(reports), Array(5).fill('network'));
  });
});

describe('coming back', () => {
  test('waits twice as long each time, up to the cap', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      if (nth <= 7) response.writeHead(503).end();
      else response.writeHead(200, HEAD).end(frames(0, 1));
    });
    const { client, reports } = follow(t, {
      streamUrl: url, random: () => 1, timers: fastTimers(), baseDelayMs: undefined, maxDelayMs: undefined,
    });
    await client.ended;
    assert.deepEqual(delays(reports), [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    assert.deepEqual(reports.filter(({ state }) => state === 'retrying').map(({ attempt }) => attempt), upTo(7));
    assert.deepEqual(losses(reports), Array(7).fill('server'));
  });

  test('is spread over the whole interval', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      if (nth <= 40) response.writeHead(503).end();
      else response.writeHead(200, HEAD).end(frames(0, 1));
    });
    const { client, reports } = follow(t, { streamUrl: url, random: prng(3), timers: fastTimers(1000), baseDelayMs: 1000, maxDelayMs: 1000 });
    await client.ended;
    const waits = delays(reports);
    assert.ok(waits.every((ms) => ms >= 0 && ms <= 1000));
    assert.ok(Math.min(...waits) < 150 && Math.max(...waits) > 850);
  });

  test('begins anew once the line has brought something', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      if (nth === 1 || nth === 2 || nth === 4) response.writeHead(502).end();
      else if (nth === 3) response.writeHead(200, HEAD).end(frame(1));
      else response.writeHead(200, HEAD).end(frames(cursor(request), 2));
    });
    const { client, reports } = follow(t, { streamUrl: url, random: () => 1, timers: fastTimers(), baseDelayMs: 100, maxDelayMs: 5000 });
    await client.ended;
    assert.deepEqual(delays(reports), [100, 200, 100, 200]);
  });

  test('does not begin anew for a line that only opens', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      response.writeHead(200, HEAD).end(nth <= 3 ? ': hello\n\n' : frames(0, 1));
    });
    const { client, reports } = follow(t, { streamUrl: url, random: () => 1, timers: fastTimers(), baseDelayMs: 100, maxDelayMs: 5000 });
    await client.ended;
    assert.deepEqual(delays(reports), [100, 200, 400]);
  });

  test('begins anew after a ping, which shows a line that works', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      if (nth === 3) response.writeHead(200, HEAD).end(PING);
      else if (nth === 4) response.writeHead(200, HEAD).end(frames(0, 1));
      else response.writeHead(502).end();
    });
    const { client, reports } = follow(t, { streamUrl: url, random: () => 1, timers: fastTimers(), baseDelayMs: 100, maxDelayMs: 5000 });
    await client.ended;
    assert.deepEqual(delays(reports), [100, 200, 100]);
  });

  test('leaves no answer hanging that never ends', async (t) => {
    const { url, requests } = await serve(t, (request, response) => response.writeHead(503).write('wait'));
    follow(t, { streamUrl: url, baseDelayMs: 60_000, maxDelayMs: 60_000, random: () => 1 });
    await until(() => requests.length === 1);
    await closed(requests[0].socket);
  });

  test('takes its base from the server, within the cap', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      if (nth === 3) response.writeHead(503).end();
      else if (nth === 4) response.writeHead(200, HEAD).end('retry: 99999999\n\n');
      else response.writeHead(200, HEAD).end(nth === 5 ? frames(cursor(request), 3) : `retry: ${nth}000\n\n${frame(nth)}`);
    });
    const { client, reports } = follow(t, { streamUrl: url, random: () => 1, timers: fastTimers(), maxDelayMs: 15_000 });
    await client.ended;
    assert.deepEqual(delays(reports), [1000, 2000, 4000, 15_000]);
  });

  for (const status of [408, 425, 429, 503]) {
    test(`honours Retry-After on ${status}`, async (t) => {
      const { url } = await serve(t, (request, response, nth) => {
        if (nth === 1) response.writeHead(status, { 'Retry-After': '7' }).end('{"error": {"code": "RATE_LIMITED"}}');
        else response.writeHead(200, HEAD).end(frames(0, 1));
      });
      const { client, reports } = follow(t, { streamUrl: url, random: () => 0.5, timers: fastTimers(), baseDelayMs: 500 });
      assert.equal((await client.ended).reason, 'terminal');
      assert.deepEqual(delays(reports), [7005]);
    });
  }

  test('honours a Retry-After that is a date', async (t) => {
    const now = Date.parse('2026-03-03T10:00:00Z');
    const { url } = await serve(t, (request, response, nth) => {
      if (nth === 1) response.writeHead(429, { 'Retry-After': 'Tue, 03 Mar 2026 10:00:09 GMT' }).end();
      else response.writeHead(200, HEAD).end(frames(0, 1));
    });
    const { client, reports } = follow(t, { streamUrl: url, random: () => 0, now: () => now, timers: fastTimers() });
    await client.ended;
    assert.deepEqual(delays(reports), [9000]);
  });

  test('a Retry-After of years does not overflow the timer', async (t) => {
    const { url, requests } = await serve(t, (request, response) => response.writeHead(503, { 'Retry-After': '99999999999' }).end());
    const { client, reports } = follow(t, { streamUrl: url });
    await until(() => delays(reports).length === 1);
    await sleep(50);
    assert.equal(requests.length, 1);
    client.close();
  });
});

describe('a refusal', () => {
  const refuse = (status, body) => (request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };

  test('404 is final', async (t) => {
    const { url, requests } = await serve(t, refuse(404, { error: { code: 'NOT_FOUND', message: 'No such run.' } }));
    const { client, reports } = follow(t, { streamUrl: url });
    const ending = await client.ended;
    assert.equal(ending.state, 'error');
    assert.equal(ending.status, 404);
    assert.equal(ending.code, 'NOT_FOUND');
    assert.equal(ending.message, 'No such run.');
    assert.deepEqual(states(reports), ['connecting', 'error']);
    await sleep(30);
    assert.equal(requests.length, 1);
  });

  test('410 hands on where the snapshot is', async (t) => {
    const body = { error: { code: 'CURSOR_EXPIRED', message: 'Too old.', snapshot: '/api/runs/r' } };
    const { url } = await serve(t, refuse(410, body));
    const { client } = follow(t, { streamUrl: url, after: 3 });
    const ending = await client.ended;
    assert.equal(ending.code, 'CURSOR_EXPIRED');
    assert.deepEqual(ending.body, body);
  });

  for (const status of [400, 401, 403, 409, 413]) {
    test(`${status} without words is final`, async (t) => {
      const { url, requests } = await serve(t, (request, response) => response.writeHead(status).end('<h1>no</h1>'));
      const { client } = follow(t, { streamUrl: url });
      assert.equal((await client.ended).code, `HTTP_${status}`);
      assert.equal(requests.length, 1);
    });
  }

  test('a page instead of a stream is final', async (t) => {
    const { url, requests } = await serve(t, (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).write('<h1>Sign in</h1>');
    });
    const { client } = follow(t, { streamUrl: url });
    assert.equal((await client.ended).code, 'NOT_AN_EVENT_STREAM');
    await closed(requests[0].socket);
  });

  test('in the middle ends what was followed', async (t) => {
    const { url } = await serve(t, (request, response, nth) => {
      if (nth === 1) response.writeHead(200, HEAD).end(frame(1));
      else response.writeHead(403).end();
    });
    const { client, events } = follow(t, { streamUrl: url });
    assert.equal((await client.ended).status, 403);
    assert.equal(events.length, 1);
  });
});

describe('a stream that was handed over', () => {
  test('continues at the stream of its Location', async (t) => {
    const { origin, requests } = await serve(t, (request, response) => {
      if (request.method === 'POST') {
        response.writeHead(200, { ...HEAD, Location: '/api/runs/r' });
        response.write(frame(1, 'queued') + frame(2) + frame(3).slice(0, 20), () => setImmediate(() => response.destroy()));
      } else {
        response.writeHead(200, HEAD).end(frames(cursor(request), 5));
      }
    });
    const response = await fetch(`${origin}/api/runs/stream`, { method: 'POST', body: '{}' });
    const { client, events, reports } = follow(t, { response });
    assert.equal((await client.ended).reason, 'terminal');
    assert.deepEqual(seqs(events), upTo(5));
    assert.deepEqual(requests.map(({ method, url }) => `${method} ${url}`), ['POST /api/runs/stream', 'GET /api/runs/r/stream']);
    assert.equal(cursor(requests[1]), 2);
    assert.deepEqual(states(reports), ['connecting', 'connected', 'retrying', 'connecting', 'connected', 'disconnected']);
  });

  test('is dropped when it goes silent', async (t) => {
    const { origin, requests } = await serve(t, (request, response) => {
      if (request.method === 'POST') response.writeHead(200, { ...HEAD, Location: '/api/runs/r/' }).write(frame(1, 'queued'));
      else response.writeHead(200, HEAD).end(frames(cursor(request), 2));
    });
    const response = await fetch(`${origin}/api/runs/stream`, { method: 'POST', body: '{}' });
    const { client, reports } = follow(t, { response, stallMs: 80 });
    await client.ended;
    assert.equal(requests[1].url, '/api/runs/r/stream');
    assert.equal(losses(reports)[0], 'stall');
  });

  test('is closed with the client, however early', async (t) => {
    const { origin, requests } = await serve(t, (request, response) => {
      response.writeHead(200, { ...HEAD, Location: '/api/runs/r' }).write(frame(1, 'queued'));
    });
    const response = await fetch(`${origin}/api/runs/stream`, { method: 'POST', body: '{}' });
    const { client, events } = follow(t, { response });
    client.close();
    await closed(requests[0].socket);
    assert.deepEqual(events, []);
  });

  test('is closed from the report that it is connected', async (t) => {
    const { origin, requests } = await serve(t, (request, response) => {
      response.writeHead(200, { ...HEAD, Location: '/api/runs/r' }).write(frame(1, 'queued'));
    });
    const response = await fetch(`${origin}/api/runs/stream`, { method: 'POST', body: '{}' });
    const client = followRun({ response, onState: ({ state }) => state === 'connected' && client.close() });
    await closed(requests[0].socket);
  });

  test('may turn out to be a page', async (t) => {
    const { origin, requests } = await serve(t, (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html', Location: '/api/runs/r' }).write('<h1>Sign in</h1>');
    });
    const { client } = follow(t, { response: await fetch(`${origin}/api/runs/stream`, { method: 'POST' }) });
    assert.equal((await client.ended).code, 'NOT_AN_EVENT_STREAM');
    await closed(requests[0].socket);
  });

  test('may be a refusal in the words of the stream', async (t) => {
    const refusal = frame(1, 'error', { code: 'VALIDATION_ERROR', message: 'Say more.', retryable: false });
    const { origin } = await serve(t, (request, response) => response.writeHead(400, HEAD).end(refusal));
    const { client } = follow(t, { response: await fetch(`${origin}/api/runs/stream`, { method: 'POST' }) });
    const ending = await client.ended;
    assert.equal(ending.code, 'VALIDATION_ERROR');
    assert.equal(ending.message, 'Say more.');
  });

  test('is not tried again when the start was refused for now', async (t) => {
    const { origin, requests } = await serve(t, (request, response) => {
      response.writeHead(429, { 'Retry-After': '20' }).end('{"error": {"code": "TOO_MANY_RUNS", "message": "Five run already."}}');
    });
    const { client } = follow(t, { response: await fetch(`${origin}/api/runs/stream`, { method: 'POST' }) });
    const ending = await client.ended;
    assert.equal(ending.code, 'TOO_MANY_RUNS');
    assert.equal(ending.retryAfterMs, 20_000);
    assert.equal(requests.length, 1);
  });

  test('without any address is a mistake', () => {
    assert.throws(() => new RunClient({ response: new Response('', { headers: HEAD }) }), TypeError);
    assert.throws(() => new RunClient({}), TypeError);
  });
});

describe('waking', () => {
  /** A client in a wait of a minute, on a server that by now would answer. */
  async function waiting(t, options = {}, head = {}) {
    const document = new Target();
    const window = new Target();
    const { url, requests } = await serve(t, (request, response, nth) => {
      if (nth === 1) response.writeHead(503, head).end();
      else response.writeHead(200, HEAD).end(frames(0, 1));
    });
    const followed = follow(t, { streamUrl: url, document, window, baseDelayMs: 60_000, maxDelayMs: 60_000, random: () => 1, ...options });
    await until(() => losses(followed.reports).length === 1);
    return { ...followed, document, window, requests };
  }

  test('a page that becomes visible', async (t) => {
    const { client, document, requests } = await waiting(t);
    document.become('hidden');
    await sleep(30);
    assert.equal(requests.length, 1);
    document.become('visible');
    assert.equal((await client.ended).reason, 'terminal');
  });

  test('a machine that comes online', async (t) => {
    const { client, window } = await waiting(t);
    window.dispatchEvent(new Event('online'));
    assert.equal((await client.ended).reason, 'terminal');
  });

  test('does not override what the server ordered', async (t) => {
    const { document, window, requests } = await waiting(t, {}, { 'Retry-After': '60' });
    document.become('visible');
    window.dispatchEvent(new Event('online'));
    await sleep(50);
    assert.equal(requests.length, 1);
  });

  /** A client on an open line that has brought one event. */
  async function open(t, options) {
    const document = new Target();
    const window = new Target();
    const { url, requests } = await serve(t, (request, response, nth) => {
      response.writeHead(200, HEAD);
      if (nth === 1) response.write(frame(1));
      else response.end(frames(cursor(request), 2));
    });
    const followed = follow(t, { streamUrl: url, document, window, heartbeatMs: 15_000, ...options });
    await until(() => followed.events.length === 1);
    return { ...followed, document, window, requests };
  }

  test('leaves a line alone that was heard of lately', async (t) => {
    const { document, requests } = await open(t);
    document.become('visible');
    await sleep(30);
    assert.equal(requests.length, 1);
  });

  test('replaces a line whose ping is overdue', async (t) => {
    let slept = 0;
    const { client, events, reports, document } = await open(t, { now: () => Date.now() + slept });
    slept = 16_000;
    document.become('visible');
    await client.ended;
    assert.deepEqual(seqs(events), [1, 2]);
    assert.deepEqual(states(reports), ['connecting', 'connected', 'connecting', 'connected', 'disconnected']);
  });

  test('replaces a line when the network changed', async (t) => {
    const { client, events, window, requests } = await open(t);
    window.dispatchEvent(new Event('online'));
    await client.ended;
    assert.deepEqual(seqs(events), [1, 2]);
    assert.equal(requests.length, 2);
  });
});

describe('closing', () => {
  async function assertNothingLeft(t, answer, ready, options = {}) {
    const timers = fastTimers(1);
    const document = new Target();
    const window = new Target();
    const { url, requests } = await serve(t, answer);
    const followed = follow(t, { streamUrl: url, timers, document, window, heartbeatMs: 15_000, ...options });
    await until(() => ready({ ...followed, requests }));
    assert.equal(timers.pending.size, 1);
    assert.equal(document.listeners + window.listeners, 2);
    const seen = followed.events.length;
    followed.client.close();
    followed.client.close();
    assert.deepEqual(await followed.client.ended, { state: 'disconnected', reason: 'closed' });
    await until(() => timers.pending.size === 0);
    assert.equal(document.listeners + window.listeners, 0);
    document.become('visible');
    window.dispatchEvent(new Event('online'));
    await sleep(30);
    assert.equal(timers.pending.size, 0);
    assert.equal(followed.events.length, seen);
    assert.equal(states(followed.reports).filter((state) => state === 'disconnected').length, 1);
    assert.equal(states(followed.reports).at(-1), 'disconnected');
  }

  test('while connecting', (t) => assertNothingLeft(t, () => {}, ({ requests }) => requests.length === 1));

  test('while connected', (t) =>
    assertNothingLeft(t, (request, response) => response.writeHead(200, HEAD).write(frame(1)), ({ events }) => events.length === 1));

  test('while waiting', (t) =>
    assertNothingLeft(
      t,
      (request, response) => response.writeHead(503).end(),
      ({ reports }) => losses(reports).length === 1,
      { baseDelayMs: 60_000, maxDelayMs: 60_000, random: () => 1 },
    ));

  test('tells the server', async (t) => {
    const { url, requests } = await serve(t, (request, response) => response.writeHead(200, HEAD).write(frame(1)));
    const { client, events } = follow(t, { streamUrl: url });
    await until(() => events.length === 1);
    client.close();
    await closed(requests[0].socket);
  });

  test('before opening', async (t) => {
    const { url, requests } = await serve(t, (request, response) => response.writeHead(204).end());
    const client = new RunClient({ streamUrl: url });
    client.close();
    client.open();
    assert.equal((await client.ended).reason, 'closed');
    await sleep(20);
    assert.equal(requests.length, 0);
  });

  for (const state of ['connecting', 'connected', 'retrying']) {
    test(`from the report that it is ${state}`, async (t) => {
      const { url, requests } = await serve(t, (request, response) => response.writeHead(200, HEAD).end(frame(1)));
      const timers = fastTimers(1);
      const client = followRun({
        streamUrl: url,
        timers,
        baseDelayMs: 60_000,
        maxDelayMs: 60_000,
        random: () => 1,
        onState: (report) => report.state === state && client.close(),
      });
      assert.equal((await client.ended).reason, 'closed');
      await until(() => timers.pending.size === 0);
      assert.equal(requests.length, state === 'connecting' ? 0 : 1);
    });
  }

  test('from an event, it hands on no later one of the same chunk', async (t) => {
    const { url } = await serve(t, (request, response) => response.writeHead(200, HEAD).end(frames(0, 9)));
    const seen = [];
    const client = followRun({
      streamUrl: url,
      onEvent: ({ seq }) => {
        seen.push(seq);
        if (seq === 4) client.close();
      },
    });
    assert.equal((await client.ended).reason, 'closed');
    await sleep(20);
    assert.deepEqual(seen, upTo(4));
  });

  for (const how of ['connected', 'waiting']) {
    test(`lets the process end (${how})`, async (t) => {
      const { url } = await serve(t, (request, response) => {
        if (how === 'connected') response.writeHead(200, HEAD).write(frame(1));
        else response.writeHead(503).end();
      });
      const module = new URL('../../generation/static/generation/run-client.js', import.meta.url).href;
      const script = `
        import { followRun } from ${JSON.stringify(module)};
        const done = () => setTimeout(() => client.close(), 20);
        const client = followRun({
          streamUrl: ${JSON.stringify(url)}, baseDelayMs: 60000, maxDelayMs: 60000, random: () => 1,
          onEvent: done, onState: ({ state }) => state === 'retrying' && done(),
        });`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'] });
      t.after(() => child.kill());
      const [code] = await once(child, 'exit', { signal: AbortSignal.timeout(8_000) });
      assert.equal(code, 0);
    });
  }
});

describe('the page', () => {
  test('may fail in a callback without losing the line', async (t) => {
    const thrown = [];
    const real = globalThis.queueMicrotask;
    t.mock.method(globalThis, 'queueMicrotask', (task) =>
      real(() => {
        try {
          task();
        } catch (error) {
          thrown.push(error.message);
        }
      }),
    );
    const { url, requests } = await serve(t, (request, response) => response.writeHead(200, HEAD).end(frames(0, 3)));
    const seen = [];
    const { client } = follow(t, {
      streamUrl: url,
      onEvent: ({ seq }) => {
        seen.push(seq);
        throw new Error(`page broke at ${seq}`);
      },
    });
    assert.equal((await client.ended).reason, 'terminal');
    assert.deepEqual(seen, upTo(3));
    assert.deepEqual(thrown, ['page broke at 1', 'page broke at 2', 'page broke at 3']);
    assert.equal(requests.length, 1);
  });

  test('gets the server\'s time on a machine whose clock is wrong', async (t) => {
    const wrongBy = 5 * 60_000;
    const old = (seq) => `data: ${JSON.stringify({ ...envelope(seq), ts: new Date(Date.now() - 30_000).toISOString() })}\n\n`;
    const { url } = await serve(t, (request, response) => {
      response.writeHead(200, HEAD).end(old(1) + frame(2) + old(3) + frame(4, 'complete').replace(/"ts":"[^"]*",/, ''));
    });
    for (const offset of [wrongBy, -wrongBy]) {
      const { client } = follow(t, { streamUrl: url, now: () => Date.now() + offset });
      await client.ended;
      assert.ok(Math.abs(client.serverNow() - Date.now()) < 2_000);
    }
  });

  test('gets it from its page where the log has been silent for long', async (t) => {
    const old = (seq, event) => frame(seq, event).replace(/"ts":"[^"]*"/, `"ts":"${new Date(Date.now() - 30_000).toISOString()}"`);
    const { url } = await serve(t, (request, response) => {
      response.writeHead(200, HEAD).end(old(1) + old(2, 'complete'));
    });
    const { client } = follow(t, { streamUrl: url, at: new Date().toISOString(), now: () => Date.now() + 5 * 60_000 });
    await client.ended;
    assert.ok(Math.abs(client.serverNow() - Date.now()) < 2_000);
  });

  test('can import the client where there is no document', () => {
    assert.equal(globalThis.document, undefined);
  });
});
