/** Times in the reader's own zone; without this script they are UTC and say so. */

const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

function localise() {
  for (const time of document.querySelectorAll('time[data-local]')) {
    if (!(time instanceof HTMLTimeElement)) continue;
    time.textContent = format.format(new Date(time.dateTime));
    delete time.dataset.local;
  }
}

localise();
document.addEventListener('htmx:afterSettle', localise);
