/** Draws a run's state into the dialog. It decides nothing and asks nothing of the server. */

import { find } from './dom.js';
import { elapsedText, etaText } from './eta.js';
import { exerciseCard } from './exercise-card.js';
import { shownAt } from './remaining.js';
import { word } from './words.js';

/** @typedef {import('./run-state.js').RunState} RunState */
/** @typedef {import('./run-client.js').ConnectionReport} ConnectionReport */

const STATUS_WORDS = new Set(['queued', 'paused', 'cancelling']);
const MOVING = new Set(['queued', 'running']);

export class LiveView {
  #root;
  #bar;
  /** @type {Map<string, HTMLElement>} */
  #stages = new Map();
  #drawnItems = 0;
  #drawnWarnings = 0;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#bar = find(root, 'progress', HTMLProgressElement);
    for (const stage of root.querySelectorAll('[data-stage]')) {
      if (stage instanceof HTMLElement) this.#stages.set(stage.dataset.stage ?? '', stage);
    }
  }

  get stageCodes() {
    return [...this.#stages.keys()];
  }

  /**
   * Forget the run before.
   * @param {string} [language]  of the run's own words, where it is not the page's choice
   */
  reset(language) {
    if (language) for (const selector of ['.cards', '.live-warnings']) this.#find(selector).lang = language;
    this.#find('h2').textContent = word('writing');
    this.#drawnItems = this.#drawnWarnings = 0;
    this.#bar.value = 0;
    delete this.#root.dataset.outcome;
    for (const selector of ['.cards', '.live-warnings', '.live-alert', '.stage-words']) {
      this.#find(selector).replaceChildren();
    }
  }

  /** @param {RunState} state */
  draw(state) {
    this.#bar.value = Math.max(this.#bar.value, state.progress);
    this.#find('.percent').textContent = `${Math.floor(this.#bar.value)} %`;
    for (const [code, element] of this.#stages) this.#drawStage(element, stageStatus(state, code));
    this.#find('.stage-words').textContent = this.stageWords(state);
    this.#drawItems(state.items);
    for (; this.#drawnWarnings < state.warnings.length; this.#drawnWarnings += 1) {
      const line = document.createElement('li');
      line.textContent = state.warnings[this.#drawnWarnings].message;
      this.#find('.live-warnings').append(line);
    }
  }

  /**
   * @param {RunState} state
   * @param {number} now  the server's time
   */
  drawClock(state, now) {
    const end = state.finishedAt ? Date.parse(state.finishedAt) : now;
    this.#find('.elapsed').textContent = elapsedText(state.startedAt ? end - Date.parse(state.startedAt) : 0);
    const words = remainingWords(state, now);
    const element = this.#find('.eta');
    if (element.textContent !== words) element.textContent = words;
    this.#find('.eta-fact').hidden = words === '';
  }

  /**
   * @param {ConnectionReport} report
   * @param {number} waited  milliseconds since the report
   */
  drawConnection(report, waited) {
    const [state, words] = connectionWords(report, waited);
    const element = this.#find('.connection');
    element.dataset.state = state;
    if (element.textContent !== words) element.textContent = words;
  }

  /**
   * @param {string} title
   * @param {string} message
   */
  drawFailure(title, message) {
    this.#root.dataset.outcome = 'failed';
    this.#find('h2').textContent = title;
    this.#find('.stage-words').textContent = '';
    this.#find('.live-alert').textContent = message;
  }

  drawDone() {
    this.#root.dataset.outcome = 'done';
  }

  /** @param {RunState} state */
  stageWords(state) {
    const { status, position } = state;
    if (status === 'queued' && position) return word('queuedAs', { n: position });
    if (STATUS_WORDS.has(status)) return word(status);
    // Within its stage a run may say more: that the model's server is busy, or that a draft is being mended.
    const more = state.opening !== null && state.message !== state.opening && !state.terminal;
    const label = more ? state.message : this.stageLabel(state.stage);
    const count = state.items.length;
    return count > 0 && !state.terminal ? `${label} · ${word('count', { n: count })}` : label;
  }

  /** @param {string | null} code */
  stageLabel(code) {
    return this.#stages.get(code ?? '')?.querySelector('.label')?.textContent ?? '';
  }

  /**
   * @param {HTMLElement} element
   * @param {string} status
   */
  #drawStage(element, status) {
    if (element.dataset.state === status) return;
    element.dataset.state = status;
    element.toggleAttribute('aria-current', status === 'now');
    if (status === 'now') element.setAttribute('aria-current', 'step');
    find(element, '.state', HTMLElement).textContent = word(status);
  }

  /** @param {RunState['items']} items */
  #drawItems(items) {
    const cards = this.#find('.cards');
    for (; this.#drawnItems < items.length; this.#drawnItems += 1) {
      cards.append(exerciseCard(items[this.#drawnItems].value));
    }
  }

  /** @param {string} selector */
  #find(selector) {
    return find(this.#root, selector, HTMLElement);
  }
}

/**
 * Every run passes through all its stages; one with nothing to do there says so.
 * @param {RunState} state
 * @param {string} code
 */
function stageStatus(state, code) {
  const status = state.stages[code];
  return status === 'done' && state.facts[code]?.skipped ? 'skipped' : status;
}

/**
 * @param {RunState} state
 * @param {number} now
 */
function remainingWords(state, now) {
  if (!MOVING.has(state.status)) return '';
  return etaText(shownAt(state.remaining, now), document.documentElement.lang);
}

/**
 * @param {ConnectionReport} report
 * @param {number} waited
 * @returns {[string, string]}
 */
function connectionWords(report, waited) {
  if (report.state === 'connected') return ['live', word('live')];
  if (report.state === 'disconnected') return ['ended', word('ended')];
  if (report.state === 'error' || !navigator.onLine) return ['offline', word(navigator.onLine ? 'lostTitle' : 'offline')];
  if (report.state === 'connecting') return ['connecting', word('connecting')];
  const left = Math.max(1, Math.ceil((report.inMs - waited) / 1000));
  return ['reconnecting', word('reconnecting', { n: left })];
}
