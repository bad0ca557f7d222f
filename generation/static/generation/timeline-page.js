/** The player of a run's log in the admin. */

import { embedded, find } from './dom.js';
import { elapsedText, etaText } from './eta.js';
import { shownAt } from './remaining.js';
import { AT_START, advance, folding, foretold, placeOf, play, remained, standAt, timesOf } from './timeline-replay.js';
import { word } from './words.js';

/** @typedef {import('./timeline-replay.js').Replay} Replay */

const language = document.documentElement.lang || 'en';
const seconds = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** @param {number} ms */
function timeText(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${seconds.format(ms / 1000)} s` : elapsedText(ms);
}

/**
 * @param {HTMLElement} root
 * @param {Replay} replay
 */
function start(root, replay) {
  const { events } = replay;
  const times = timesOf(events);
  const stateAt = folding(events, replay.stages);
  const slider = find(root, '#replay-seq', HTMLInputElement);
  const speed = find(root, '#replay-speed', HTMLSelectElement);
  const playing = find(root, '[data-do="play"]', HTMLButtonElement);
  const told = find(root, '#replay-told', HTMLElement);
  const playhead = document.getElementById('playhead');
  let player = { ...AT_START, speed: Number(speed.value) };
  let drawnAt = 0;

  /** @param {string} name */
  const place = (name) => find(root, `[data-show="${name}"]`, HTMLElement);
  /** @param {string} name @param {string} text */
  const put = (name, text) => {
    const element = place(name);
    if (element.textContent !== text) element.textContent = text;
  };
  const eventText = () => word('event', { seq: events[player.index].seq, all: events.length, name: events[player.index].event });

  function draw() {
    const state = stateAt(player.index);
    const event = events[player.index];
    const left = remained(replay, player);
    const eta = foretold(events, player.index, state);
    const now = Date.parse(events[0].ts) + player.ms;
    put('clock', timeText(player.ms));
    put('status', word(state.status));
    put('stage', state.stage ?? '–');
    put('progress', `${Math.round(state.progress)} %`);
    find(root, 'progress', HTMLProgressElement).value = state.progress;
    put('said', (state.terminal ? '' : etaText(shownAt(state.remaining, now), language)) || word('none'));
    put('forecast', eta ? `${timeText(eta.ms)} (${timeText(eta.low_ms)} – ${timeText(eta.high_ms)})` : '–');
    put('remained', left === null ? word('live') : timeText(left));
    put('items', String(state.items.length));
    put('last', `${event.event}${event.what ? `: ${event.what}` : ''}`);
    slider.value = String(event.seq);
    slider.setAttribute('aria-valuetext', eventText());
    playing.textContent = word(player.playing ? 'pause' : 'play');
    playhead?.setAttribute('visibility', player.ms > 0 ? 'visible' : 'hidden');
    for (const end of ['x1', 'x2']) playhead?.setAttribute(end, `${placeOf(player, events, times)}%`);
  }

  /** @param {number} index */
  function go(index) {
    player = standAt(player, index, times);
    draw();
    told.textContent = eventText();
  }

  /** @param {number} now */
  function tick(now) {
    if (!player.playing) return;
    player = advance(player, now - drawnAt, times);
    drawnAt = now;
    draw();
    if (player.playing) requestAnimationFrame(tick);
    else told.textContent = eventText();
  }

  /** @type {Record<string, () => void>} */
  const acts = {
    back: () => go(player.index - 1),
    on: () => go(player.index + 1),
    end: () => go(events.length - 1),
    play: () => {
      if (player.playing) {
        go(player.index);
        return;
      }
      player = play(player, times);
      drawnAt = performance.now();
      requestAnimationFrame(tick);
    },
  };
  root.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('button[data-do]') : null;
    if (button instanceof HTMLButtonElement) acts[button.dataset.do ?? '']?.();
  });
  slider.addEventListener('input', () => go(Number(slider.value) - events[0].seq));
  speed.addEventListener('change', () => (player = { ...player, speed: Number(speed.value) }));

  slider.min = String(events[0].seq);
  slider.max = String(events[events.length - 1].seq);
  root.hidden = false;
  document.getElementById('replay-missing')?.remove();
  draw();
}

const root = document.getElementById('replay');
const replay = embedded('replay-data');
if (root && replay) start(root, replay);
