/** The form of the generate page: starts a run the way the switch says. Without this script it posts. */

import { announcer } from './announcer.js';
import { CaseField } from './case-field.js';
import { ClassicWait } from './classic-wait.js';
import { find } from './dom.js';
import { clearErrors, showProblem } from './form-errors.js';
import { liveDialog } from './live-dialog.js';
import { startClassic, startLive } from './start-run.js';
import { word } from './words.js';

const STREAMING = 'hep.streaming';

const form = find(document, '#generate', HTMLFormElement);
const submit = find(form, '[type="submit"]', HTMLButtonElement);
const streaming = find(form, '#streaming', HTMLInputElement);
const caseField = new CaseField();
const wait = new ClassicWait();
let starting = false;
let path = location.pathname;

// Switched before this script was here, it stays as it is.
if (streaming.checked !== streaming.defaultChecked) keep();
streaming.checked = localStorage.getItem(STREAMING) !== 'off';
streaming.addEventListener('change', keep);

form.addEventListener('submit', async (event) => {
  // The preview is a page of its own.
  if (event.submitter?.hasAttribute('formaction')) return;
  event.preventDefault();
  if (starting) return;
  clearErrors(form);
  announcer.clear();
  if (caseField.errors.length > 0) {
    showProblem(form, { fields: { prompt: caseField.errors }, message: '' });
    return;
  }
  busy(true);
  try {
    await (streaming.checked ? live() : classic());
  } finally {
    busy(false);
  }
});

// Back, away from the live view: the run goes on, and the page is drawn anew for where we are.
addEventListener('popstate', () => {
  if (location.pathname !== path) location.reload();
});

async function live() {
  const started = await startLive(input());
  if ('problem' in started) {
    showProblem(form, started.problem);
    return;
  }
  // Going back from the run's page finds this form with its case.
  history.replaceState(null, '', `/?from=${started.run}`);
  path = `/runs/${started.run}/`;
  history.pushState(null, '', path);
  liveDialog.follow({ ...started, opener: submit, language: input().language });
}

async function classic() {
  const outcome = await wait.during((signal) => startClassic(input(), signal));
  if ('run' in outcome) location.assign(`/runs/${outcome.run}/`);
  else if ('problem' in outcome) showProblem(form, outcome.problem);
  else {
    announcer.toast(word('cancelledToast'));
    // Not while it is disabled.
    queueMicrotask(() => submit.focus());
  }
}

/** The fields that are filled in, by their names in the API. */
function input() {
  const data = new FormData(form);
  /** @type {Record<string, string>} */
  const filled = { prompt: caseField.value };
  for (const name of ['mrn', 'clinic_id', 'language', 'follows']) {
    const value = data.get(name);
    if (typeof value === 'string' && value.trim() !== '') filled[name] = value.trim();
  }
  return filled;
}

function keep() {
  localStorage.setItem(STREAMING, streaming.checked ? 'on' : 'off');
}

/** @param {boolean} now */
function busy(now) {
  starting = now;
  submit.setAttribute('aria-disabled', String(now));
}
