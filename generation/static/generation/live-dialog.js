/** The live view's life: opened over the form, follows one run, ends with it. */

import { announcer } from './announcer.js';
import { post } from './api.js';
import { find } from './dom.js';
import { LiveView } from './live-view.js';
import { PauseButton } from './pause-button.js';
import { PlaceWatch } from './place-watch.js';
import { followRun } from './run-client.js';
import { fromSnapshot, initialState, movedUp, reduce } from './run-state.js';
import { setTitle, word } from './words.js';

/** @typedef {import('./run-state.js').RunState} RunState */
/** @typedef {import('./run-state.js').Envelope} Envelope */
/** @typedef {import('./run-client.js').RunClient} RunClient */
/** @typedef {import('./run-client.js').ConnectionReport} ConnectionReport */
/** @typedef {{run: string, opener: HTMLElement, language?: string, response?: Response, snapshot?: Record<string, any>, at?: string}} Followed */

const DONE_SHOWN_MS = 900;
const SIGNED_OUT = 401;
const GONE = 404;

class LiveDialog {
  #dialog = find(document, '#live', HTMLDialogElement);
  #view = new LiveView(this.#dialog);
  #pause = new PauseButton(find(this.#dialog, '.pause', HTMLButtonElement));
  #place = new PlaceWatch({ onSnapshot: (snapshot) => this.#moveUp(snapshot) });
  /** @type {Followed | null} */
  #followed = null;
  /** @type {RunClient | null} */
  #client = null;
  /** What is shown, and the fold of the log; they differ while a reloaded page catches up with its snapshot. */
  #shown = initialState([]);
  #folded = initialState([]);
  /** @type {{snapshot: Record<string, any>, at: number} | null} the newest snapshot */
  #told = null;
  /** @type {ConnectionReport} */
  #connection = { state: 'connecting' };
  #connectionAt = 0;
  #over = false;
  #asked = false;
  /** @type {number | undefined} */
  #ticking;

  constructor() {
    this.#dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.#dismiss();
    });
    // A second Esc closes a dialog whatever its page says; the run is not over for that.
    this.#dialog.addEventListener('close', () => {
      if (this.#followed && !this.#over) {
        this.#dialog.showModal();
        this.#dismiss();
      }
    });
    for (const button of this.#buttons()) button.addEventListener('click', () => this.#dismiss());
  }

  /**
   * Show a run from its `snapshot`, or from the `response` that started it.
   * @param {Followed} followed
   */
  follow(followed) {
    const codes = this.#view.stageCodes;
    this.#followed = followed;
    this.#over = this.#asked = false;
    this.#folded = initialState(codes);
    this.#told = followed.snapshot ? { snapshot: followed.snapshot, at: Date.parse(followed.at ?? '') } : null;
    this.#shown = followed.snapshot ? fromSnapshot(followed.snapshot, codes, followed.at) : this.#folded;
    this.#view.reset(followed.language);
    this.#pause.follow(followed.run);
    this.#label(word('cancel'), word('cancelGeneration'));
    announcer.moveTo(this.#dialog);
    if (!this.#dialog.open) this.#dialog.showModal();
    find(this.#dialog, '#live-title', HTMLElement).focus();
    this.#client = followRun({
      streamUrl: `/api/runs/${followed.run}/stream`,
      response: followed.response,
      at: followed.at,
      onEvent: (envelope) => this.#take(envelope),
      onState: (report) => this.#connected(report),
    });
    this.#ticking = setInterval(() => this.#tick(), 1000);
    this.#draw();
    if (this.#shown.status === 'cancelling') this.#showCancelling();
  }

  /** @param {Envelope} envelope */
  #take(envelope) {
    const before = this.#shown;
    this.#folded = reduce(this.#folded, envelope);
    if (this.#told) this.#folded = movedUp(this.#folded, this.#told.snapshot, this.#told.at);
    if (this.#folded.lastSeq < (this.#followed?.snapshot?.last_seq ?? 0)) return;
    this.#shown = this.#folded;
    this.#draw();
    if (this.#shown.terminal) this.#end(this.#shown.terminal);
    else if (this.#shown.stage !== before.stage) this.#announceStage();
    if (this.#shown.status === 'cancelling') this.#showCancelling();
  }

  /** @param {Record<string, any>} snapshot */
  #moveUp(snapshot) {
    const at = this.#client?.serverNow() ?? Date.now();
    this.#told = { snapshot, at };
    this.#folded = movedUp(this.#folded, snapshot, at);
    this.#shown = movedUp(this.#shown, snapshot, at);
    this.#draw();
  }

  #draw() {
    this.#view.draw(this.#shown);
    this.#pause.draw(this.#shown.status);
    this.#watchPlace();
    this.#tick();
  }

  #tick() {
    this.#view.drawClock(this.#shown, this.#client?.serverNow() ?? Date.now());
    this.#view.drawConnection(this.#connection, Date.now() - this.#connectionAt);
  }

  #watchPlace() {
    const waits = !this.#over && this.#shown.status === 'queued';
    this.#place.watch(waits ? `/api/runs/${this.#followed?.run}` : null);
  }

  #announceStage() {
    const { stage } = this.#shown;
    const codes = this.#view.stageCodes;
    const n = codes.indexOf(stage ?? '') + 1;
    if (n > 0) announcer.say(word('stepOf', { n, total: codes.length, stage: this.#view.stageLabel(stage) }));
  }

  /** @param {ConnectionReport} report */
  #connected(report) {
    this.#connection = report;
    this.#connectionAt = Date.now();
    this.#tick();
    if (report.state === 'retrying') announcer.say(find(this.#dialog, '.connection', HTMLElement).textContent ?? '');
    if (report.state === 'error') {
      /** @type {Record<number, string>} */
      const known = { [SIGNED_OUT]: word('signedOut'), [GONE]: word('gone') };
      this.#fail(word('lostTitle'), known[report.status] ?? (report.message || word('unexpected')));
    }
    // The log had ended before its end was seen: the run's page knows how.
    if (report.state === 'disconnected' && report.reason === 'ended') this.#open();
  }

  /** @param {NonNullable<RunState['terminal']>} terminal */
  #end({ event, data }) {
    if (event === 'error') this.#fail(word('failedTitle'), data.message ?? word('unexpected'));
    else if (event === 'cancelled') this.#close(word('cancelledToast'));
    else this.#complete();
  }

  #complete() {
    this.#finish();
    this.#view.drawDone();
    const title = word(this.#shown.items.length > 0 ? 'readyTitle' : 'resultTitle');
    setTitle(title);
    announcer.say(title);
    this.#label(word('opening'), word('opening'));
    setTimeout(() => this.#open(), DONE_SHOWN_MS);
  }

  /**
   * @param {string} title
   * @param {string} message
   */
  #fail(title, message) {
    this.#finish();
    setTitle(title);
    this.#view.drawFailure(title, message);
    this.#label(word('close'), word('close'));
    find(this.#dialog, '.cancel', HTMLElement).focus();
  }

  #dismiss() {
    if (!this.#over) this.#cancel();
    else if (this.#shown.status === 'succeeded') this.#open();
    else this.#close();
  }

  async #cancel() {
    if (this.#asked) return;
    this.#showCancelling();
    const { run } = /** @type {Followed} */ (this.#followed);
    const answer = await post(`/api/runs/${run}/cancel`, {});
    // Refused with 409 it has ended already, and its last event is on the way; else that of the cancel is.
    if (this.#over || answer?.ok || answer?.status === 409) return;
    this.#asked = false;
    this.#label(word('cancel'), word('cancelGeneration'));
    const why = answer === null ? 'cancelNotSent' : answer.status === SIGNED_OUT ? 'signedOut' : 'cancelRefused';
    find(this.#dialog, '.live-alert', HTMLElement).textContent = word(why);
  }

  #showCancelling() {
    if (this.#over) return;
    this.#asked = true;
    find(this.#dialog, '.live-alert', HTMLElement).textContent = '';
    this.#label(word('cancelling'), word('cancelling'));
  }

  #finish() {
    this.#over = true;
    this.#watchPlace();
    clearInterval(this.#ticking);
    this.#tick();
  }

  /** @param {string} [toast] */
  #close(toast) {
    const { opener, run } = /** @type {Followed} */ (this.#followed);
    this.#finish();
    this.#client?.close();
    this.#dialog.close();
    announcer.moveTo(document.body);
    setTitle(word('formTitle'));
    // A reload now finds the form as it is, not the page of the run that is over.
    history.replaceState(null, '', `/?from=${run}`);
    opener.focus();
    if (toast) announcer.toast(toast);
  }

  #open() {
    location.replace(`/runs/${this.#followed?.run}/`);
  }

  #buttons() {
    return this.#dialog.querySelectorAll('[data-dismiss]');
  }

  /**
   * @param {string} text  of the button
   * @param {string} name  of the ×
   */
  #label(text, name) {
    const busy = text === word('cancelling') || text === word('opening');
    for (const button of this.#buttons()) {
      if (button.classList.contains('cancel')) button.textContent = text;
      else button.setAttribute('aria-label', name);
      button.setAttribute('aria-disabled', String(busy));
    }
  }
}

export const liveDialog = new LiveDialog();
