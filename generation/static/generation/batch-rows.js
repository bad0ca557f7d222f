/** The table of a batch. Live rows are drawn in place; what a row has become, the server's template says. */

import { find } from './dom.js';
import { word } from './words.js';

/** @typedef {import('./batch-state.js').BatchState} BatchState */
/** @typedef {import('./batch-state.js').RowState} RowState */

export class BatchRows {
  #table;
  #body;

  /** @param {HTMLTableElement} table */
  constructor(table) {
    this.#table = table;
    this.#body = find(table, 'tbody', HTMLTableSectionElement);
  }

  /** The status that each run was drawn with by the server. */
  get drawn() {
    return Object.fromEntries(this.#rows().map(({ dataset }) => [dataset.run ?? '', dataset.status ?? '']));
  }

  /** @param {BatchState} state */
  draw({ rows }) {
    for (const element of this.#rows()) {
      const row = rows[element.dataset.run ?? ''];
      if (row && element.querySelector('progress')) drawLive(element, row);
    }
  }

  /**
   * Put rows as the server draws them in the places of those with their numbers.
   * @param {Document} fragment
   */
  replace(fragment) {
    for (const fresh of fragment.querySelectorAll('tr')) {
      const old = this.#body.querySelector(`tr[data-row="${CSS.escape(fresh.dataset.row ?? '')}"]`);
      if (!old) continue;
      const focused = old.contains(document.activeElement);
      old.replaceWith(fresh);
      if (focused) fresh.querySelector('a')?.focus();
    }
    if (this.#table.dataset.order === 'attention') this.#sort();
  }

  /** A row is moved only when it must be, since moving one takes the focus from it. */
  #sort() {
    const sorted = this.#rows().sort((a, b) => number(a, 'rank') - number(b, 'rank') || number(a, 'row') - number(b, 'row'));
    sorted.forEach((row, index) => {
      const there = this.#body.rows[index];
      if (there !== row) this.#body.insertBefore(row, there);
    });
  }

  #rows() {
    return [...this.#body.rows];
  }
}

/**
 * @param {HTMLTableRowElement} row
 * @param {string} name
 */
function number(row, name) {
  return Number(row.dataset[name]);
}

/**
 * @param {HTMLTableRowElement} element
 * @param {RowState} row
 */
function drawLive(element, { status, stage, progress }) {
  const shown = find(element, '.status', HTMLElement);
  shown.dataset.status = status;
  shown.textContent = word(`status:${status}`);
  find(element, '.stage', HTMLElement).textContent = status === 'running' && stage ? word(`stage:${stage}`) : '';
  find(element, 'progress', HTMLProgressElement).value = progress;
  if (status === 'cancelling') element.querySelector('button')?.setAttribute('aria-disabled', 'true');
}
