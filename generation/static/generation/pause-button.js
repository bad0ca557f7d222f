/** Pauses the run that is shown, and lets it go on. */

import { post } from './api.js';
import { word } from './words.js';

/** @typedef {import('./run-state.js').RunStatus} RunStatus */

/** @type {Partial<Record<RunStatus, 'pause' | 'resume'>>} */
const COMMANDS = { queued: 'pause', running: 'pause', paused: 'resume' };

export class PauseButton {
  #button;
  #run = '';
  /** @type {RunStatus} */
  #status = 'queued';
  /** The state in which it was pressed: a running run pauses only at its next step. */
  #pressedIn = '';

  /** @param {HTMLButtonElement} button */
  constructor(button) {
    this.#button = button;
    button.addEventListener('click', () => this.#press());
  }

  /** @param {string} run */
  follow(run) {
    this.#run = run;
    this.#pressedIn = '';
  }

  /** @param {RunStatus} status */
  draw(status) {
    this.#status = status;
    const command = COMMANDS[status];
    const waiting = this.#pressedIn === status;
    this.#button.hidden = !command;
    this.#button.textContent = command ? word(waiting ? `${command}Waiting` : command) : '';
    this.#button.setAttribute('aria-disabled', String(waiting));
  }

  async #press() {
    const command = COMMANDS[this.#status];
    if (!command || this.#pressedIn === this.#status) return;
    this.#pressedIn = this.#status;
    this.draw(this.#status);
    const answer = await post(`/api/runs/${this.#run}/${command}`, {});
    if (!answer?.ok) this.#pressedIn = '';
    this.draw(this.#status);
  }
}
