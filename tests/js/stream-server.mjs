import { once } from 'node:events';
import http from 'node:http';

export const HEAD = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache, no-transform' };

/** A loopback server for one test; `answer(request, response, nth)` gets the number of the request, from 1. */
export async function serve(t, answer) {
  const requests = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    response.on('error', () => {});
    answer(request, response, requests.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, url: `${origin}/api/runs/r/stream`, requests };
}

export function envelope(seq, event = 'progress', data = { stage: 'generating', message: 'Vælger øvelser 🦵', progress: seq }) {
  return { seq, run_id: 'r', event, ts: new Date().toISOString(), data };
}

export function frame(seq, event, data) {
  return `id: ${seq}\ndata: ${JSON.stringify(envelope(seq, event, data))}\n\n`;
}

/** The frames of a log whose event number `last` is `complete`. */
export function frames(after, last) {
  let text = '';
  for (let seq = after + 1; seq <= last; seq += 1) text += frame(seq, seq === last ? 'complete' : 'progress');
  return text;
}

export const PING = 'event: ping\ndata: {}\n\n';

export const cursor = (request) => Number(request.headers['last-event-id'] ?? 0);
