/** Times in the reader's own zone; without this script they are UTC and say so. */

// In the language of the page, except that English is left to the reader's own habit of dates.
const language = document.documentElement.lang;
const format = new Intl.DateTimeFormat(language === 'en' ? undefined : language, { dateStyle: 'medium', timeStyle: 'short' });

function localise() {
  for (const time of document.querySelectorAll('time[data-local]')) {
    if (!(time instanceof HTMLTimeElement)) continue;
    time.textContent = format.format(new Date(time.dateTime));
    delete time.dataset.local;
  }
}

localise();
document.addEventListener('htmx:afterSettle', localise);
