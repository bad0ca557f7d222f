import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { SseParser } from '../../generation/static/generation/sse-parser.js';
import { prng } from './prng.mjs';

/** What the parser says about `chunks`, in order. */
function parse(...chunks) {
  const said = [];
  const parser = new SseParser({
    onEvent: ({ event, data, id }) => said.push([event, data, id]),
    onRetry: (ms) => said.push(['retry', ms]),
    onComment: (text) => said.push(['comment', text]),
  });
  for (const chunk of chunks) parser.feed(chunk);
  return said;
}

const bytes = (text) => new TextEncoder().encode(text);

const TABLE = [
  ['a plain message', 'data: hi\n\n', [['message', 'hi', '']]],
  ['data on several lines', 'data: a\ndata: b\ndata:\n\n', [['message', 'a\nb\n', '']]],
  ['only one leading space goes', 'data:  hi\n\ndata:hi\n\n', [['message', ' hi', ''], ['message', 'hi', '']]],
  ['a named event, then an unnamed one', 'event: ping\ndata: {}\n\ndata: x\n\n', [['ping', '{}', ''], ['message', 'x', '']]],
  ['an event without data is none, and leaves no name behind', 'event: ping\n\ndata: x\n\n', [['message', 'x', '']]],
  ['an empty data line is an event', 'data\n\n', [['message', '', '']]],
  ['the id lasts', 'id: 7\ndata: a\n\ndata: b\n\n', [['message', 'a', '7'], ['message', 'b', '7']]],
  ['an id in an event without data counts', 'id: 7\n\ndata: b\n\n', [['message', 'b', '7']]],
  ['an empty id clears', 'id: 7\ndata: a\n\nid\ndata: b\n\n', [['message', 'a', '7'], ['message', 'b', '']]],
  ['an id with NUL is ignored', 'id: 7\nid: 8\0\ndata: a\n\n', [['message', 'a', '7']]],
  ['retry', 'retry: 1500\n\n', [['retry', 1500]]],
  ['retry that is no number', 'retry: 1.5\nretry: -1\nretry: x\nretry:\n\n', []],
  ['comments', ': hello\n:\ndata: x\n\n', [['comment', ' hello'], ['comment', ''], ['message', 'x', '']]],
  ['unknown fields', 'foo: 1\nDATA: 2\n data: 3\ndata: x\n\n', [['message', 'x', '']]],
  ['a colon in the value', 'data: {"a": "b:c"}\n\n', [['message', '{"a": "b:c"}', '']]],
  ['CR line ends', 'id: 1\rdata: a\r\rdata: b\r\r', [['message', 'a', '1'], ['message', 'b', '1']]],
  ['CRLF line ends', 'id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n', [['message', 'a', '1'], ['message', 'b', '1']]],
  ['mixed line ends', 'data: a\rdata: b\r\ndata: c\n\r', [['message', 'a\nb\nc', '']]],
  ['a byte order mark at the start', '\uFEFFdata: a\n\n', [['message', 'a', '']]],
  ['a second byte order mark is text', '\uFEFF\uFEFFdata: a\n\n', []],
  ['a byte order mark later is text', 'data: a\n\n\uFEFFdata: b\n\ndata: \uFEFFc\n\n', [['message', 'a', ''], ['message', '\uFEFFc', '']]],
  ['an unfinished event at the end is dropped', 'data: a\n\ndata: b\n', [['message', 'a', '']]],
  ['letters beyond ASCII', 'data: knæbøjning 🦵 på stol\n\n', [['message', 'knæbøjning 🦵 på stol', '']]],
];

describe('the parser', () => {
  for (const [name, text, expected] of TABLE) {
    test(name, () => {
      assert.deepEqual(parse(text), expected);
      assert.deepEqual(parse(bytes(text)), expected);
      assert.deepEqual(parse(...Array.from(bytes(text), (b) => Uint8Array.of(b))), expected);
      assert.deepEqual(parse(...text.split('')), expected);
    });
  }

  test('a lone CR ends an event without waiting for what follows', () => {
    assert.deepEqual(parse('data: a\r\r'), [['message', 'a', '']]);
  });

  test('a CRLF cut in two is one line end', () => {
    assert.deepEqual(parse('data: a\r', '\ndata: b\r', '\n\r', '\n'), [['message', 'a\nb', '']]);
  });

  test('empty chunks between CR and LF change nothing', () => {
    assert.deepEqual(parse('data: a\r', '', new Uint8Array(0), '\ndata: b\n\n'), [['message', 'a\nb', '']]);
  });

  test('any split of any stream reads the same', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = prng(seed);
      const pick = (list) => list[Math.floor(random() * list.length)];
      let text = pick(['', '\uFEFF']);
      for (let line = 0; line < 30; line += 1) {
        text += pick(['data: æ🦵', 'data', 'data:x', 'id: 4', 'id', 'event: ping', 'retry: 20', ': c', 'junk', '', '', '']);
        text += pick(['\n', '\r', '\r\n']);
      }
      const whole = parse(text);
      const source = random() < 0.5 ? text : bytes(text);
      const chunks = [];
      for (let at = 0; at < source.length; ) {
        const length = 1 + Math.floor(random() * 9);
        chunks.push(source.slice(at, at + length));
        at += length;
      }
      assert.deepEqual(parse(...chunks), whole, `seed ${seed}`);
    }
  });

  test('a long line in small chunks takes no quadratic time', () => {
    const chunk = 'x'.repeat(64);
    const began = performance.now();
    const said = parse('data: ', ...Array(50_000).fill(chunk), '\n\n');
    assert.equal(said[0][1].length, 64 * 50_000);
    assert.ok(performance.now() - began < 2_000);
  });
});
