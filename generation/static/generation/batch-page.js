/** The page of a batch: its stream, its table, and its buttons without a reload. Without this script they post. */

import { announcer } from './announcer.js';
import { post } from './api.js';
import { BatchRefresh } from './batch-refresh.js';
import { BatchRows } from './batch-rows.js';
import { initialBatch, mayCancel, mayRetry, outdated, reduce } from './batch-state.js';
import { BatchStream } from './batch-stream.js';
import { find } from './dom.js';
import { etaText } from './eta.js';
import { shownAt } from './remaining.js';
import { setTitle, word } from './words.js';

/** @typedef {import('./batch-state.js').Message} Message */
/** @typedef {import('./batch-stream.js').StreamReport} StreamReport */

const SIGNED_OUT = 401;

class BatchPage {
  #root;
  #rows;
  #state = initialBatch();
  /** @type {StreamReport} */
  #connection = { state: 'ended' };
  #connectionAt = 0;
  #refresh;
  #stream;
  #finished;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#rows = new BatchRows(find(root, 'table.rows', HTMLTableElement));
    this.#refresh = new BatchRefresh(root.dataset.rows ?? '', (fragment) => this.#refreshed(fragment), (trouble) => {
      this.#stream.close();
      this.#complain(word(trouble), trouble === 'signedOut');
    });
    this.#stream = new BatchStream({
      url: root.dataset.stream ?? '',
      onMessage: (message) => this.#take(message),
      onState: (report) => this.#connected(report),
    });
    root.addEventListener('submit', (event) => this.#submit(event));
    addEventListener('online', () => this.#stream.wake());
    setInterval(() => this.#tick(), 1000);
    this.#finished = !('live' in root.dataset);
    if (!this.#finished) this.#stream.open();
  }

  /** @param {Message} message */
  #take(message) {
    this.#state = reduce(this.#state, message, Date.now());
    this.#rows.draw(this.#state);
    this.#draw();
    this.#refresh.ask(this.#outdated);
    this.#settle();
  }

  /** @param {Document} fragment */
  #refreshed(fragment) {
    this.#rows.replace(fragment);
    const totals = find(fragment, '.totals', HTMLElement).textContent ?? '';
    const shown = this.#find('.totals');
    if (shown.textContent !== totals) {
      shown.textContent = totals;
      // The only thing that is announced: rows would drown everything else.
      announcer.say(totals);
    }
    this.#settle();
  }

  /** It has finished once the last row is drawn as it ended. */
  #settle() {
    const finished = this.#state.over && this.#outdated.length === 0;
    if (finished === this.#finished) return;
    this.#finished = finished;
    setTitle(word(finished ? 'finished' : 'title'));
    if (finished) announcer.say(`${word('finished')}: ${this.#find('.totals').textContent}`);
  }

  get #outdated() {
    return outdated(this.#rows.drawn, this.#state);
  }

  #draw() {
    find(this.#root, '.bar progress', HTMLProgressElement).value = this.#state.progress;
    this.#find('.percent').textContent = `${Math.floor(this.#state.progress)} %`;
    this.#offer('#cancel-all', mayCancel(this.#state));
    this.#offer('#retry-failed', mayRetry(this.#state));
    this.#tick();
  }

  #tick() {
    const eta = etaText(shownAt(this.#state.remaining, Date.now()), document.documentElement.lang);
    const shown = this.#find('.eta');
    if (shown.textContent !== eta) shown.textContent = eta;
    this.#find('.eta-fact').hidden = eta === '';
    const words = connectionWords(this.#connection, Date.now() - this.#connectionAt);
    const element = this.#find('.connection');
    [element.dataset.state, element.textContent] = words;
  }

  /** @param {StreamReport} report */
  #connected(report) {
    this.#connection = report;
    this.#connectionAt = Date.now();
    this.#find('.connection-fact').hidden = false;
    this.#tick();
    // A stream says nothing of why it was refused.
    if (report.state === 'retrying' && report.refused) this.#refresh.check();
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.api) return;
    event.preventDefault();
    const button = find(form, 'button', HTMLButtonElement);
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    this.#find('#problem').hidden = true;
    const answer = await post(form.dataset.api, {});
    // 409: it has ended, or somebody was faster; the stream says how things are.
    if (!answer?.ok && answer?.status !== 409) await this.#explain(answer);
    else await this.#changed(form.dataset.api, answer);
    // The button of a row goes with what it was for.
    if (!answer?.ok || form.id) button.removeAttribute('aria-disabled');
  }

  /**
   * @param {string} url  that was posted to
   * @param {Response} answer
   */
  async #changed(url, answer) {
    if (this.#connection.state === 'ended') {
      // It begins with everything.
      this.#stream.open();
    } else if (answer.ok) {
      // The stream tells of a new run only with the next change of another.
      this.#take({ event: url.startsWith('/api/batches/') ? 'batch' : 'run', data: await answer.json() });
    }
  }

  /** @param {Response | null} answer */
  async #explain(answer) {
    if (answer === null) this.#complain(word('notSent'));
    else if (answer.status === SIGNED_OUT) this.#complain(word('signedOut'), true);
    else {
      const body = await answer.json().catch(() => null);
      const spent = body?.error?.reason === 'budget_spent';
      this.#complain(spent ? word('budgetSpent') : (body?.error?.message ?? word('refused')));
    }
  }

  /**
   * @param {string} text
   * @param {boolean} [signIn]
   */
  #complain(text, signIn = false) {
    const box = this.#find('#problem');
    box.hidden = false;
    box.textContent = text;
    if (!signIn) return;
    const link = document.createElement('a');
    link.href = `/login/?next=${encodeURIComponent(location.pathname)}`;
    link.textContent = word('signIn');
    box.append(' ', link);
  }

  /**
   * @param {string} selector  of a form
   * @param {boolean} now
   */
  #offer(selector, now) {
    const form = this.#find(selector);
    if (!now && form.contains(document.activeElement)) this.#find('h1').focus();
    form.hidden = !now;
  }

  /** @param {string} selector */
  #find(selector) {
    return find(this.#root, selector, HTMLElement);
  }
}

/**
 * @param {StreamReport} report
 * @param {number} waited  milliseconds since the report
 * @returns {[string, string]}
 */
function connectionWords(report, waited) {
  if (report.state === 'connected') return ['live', word('live')];
  if (report.state === 'ended') return ['ended', word('ended')];
  if (!navigator.onLine) return ['offline', word('offline')];
  if (report.state === 'connecting') return ['connecting', word('connecting')];
  return ['reconnecting', word('reconnecting', { n: Math.max(1, Math.ceil((report.inMs - waited) / 1000)) })];
}

const root = document.querySelector('#batch:has(table.rows)');
if (root instanceof HTMLElement) new BatchPage(root);
