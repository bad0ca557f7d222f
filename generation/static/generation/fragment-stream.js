/** What htmx and its sse extension leave to a page that swaps in the fragments of `?as=html`. */

/** @typedef {CustomEvent<MessageEvent<string | undefined>>} SseMessage */
/** @typedef {CustomEvent<{error: Event}>} SseError */

document.addEventListener('htmx:sseBeforeMessage', (event) => {
  const { data } = /** @type {SseMessage} */ (event).detail;
  // An EventSource calls a lost connection "error" as well; only the run's own event of that name has data.
  if (data === undefined) {
    event.preventDefault();
    return;
  }
  const fragment = document.createElement('template');
  fragment.innerHTML = data;
  const id = fragment.content.firstElementChild?.id;
  const shown = id ? document.getElementById(id) : null;
  if (!shown) return;
  // Said again: after a refused reconnect the extension starts over without a cursor, and a run's later attempt may
  // replace what an earlier one said.
  event.preventDefault();
  shown.replaceWith(fragment.content);
});

// Of a page that nobody looks at, nothing is asked.
document.addEventListener('htmx:beforeRequest', (event) => {
  if (document.visibilityState !== 'visible') event.preventDefault();
});

document.addEventListener('htmx:sseError', (event) => {
  const { error } = /** @type {SseError} */ (event).detail;
  tell(event.target, !(error instanceof MessageEvent));
});

document.addEventListener('htmx:sseOpen', (event) => tell(event.target, false));

/**
 * @param {EventTarget | null} connection
 * @param {boolean} lost
 */
function tell(connection, lost) {
  if (!(connection instanceof Element)) return;
  const notice = connection.querySelector('[data-connection-lost]');
  if (notice instanceof HTMLElement) notice.hidden = !lost;
}
