/** Words for how long a run will still take, and its clock. */

/** @typedef {{ms: number, low_ms: number, high_ms: number, basis: 'history' | 'default'}} Eta */

/**
 * @typedef {object} Words
 * @property {(seconds: number) => string} seconds
 * @property {(minutes: number) => string} minutes
 * @property {(range: string) => string} between
 * @property {(bound: string) => string} upTo
 * @property {(typical: string) => string} usually
 * @property {(bound: string) => string} usuallyUpTo
 * @property {string} soon
 * @property {string} usuallySoon
 * @property {string} late
 */

/** @type {Record<string, Words>} */
const WORDS = {
  en: {
    seconds: (n) => `${n} s`,
    minutes: (n) => `${n} min`,
    between: (range) => `about ${range} left`,
    upTo: (bound) => `up to ${bound} left`,
    usually: (typical) => `usually about ${typical} left`,
    usuallyUpTo: (bound) => `usually up to ${bound} left`,
    soon: 'a few seconds left',
    usuallySoon: 'usually a few seconds',
    late: 'taking longer than usual',
  },
  da: {
    seconds: (n) => `${n} sek.`,
    minutes: (n) => `${n} min.`,
    between: (range) => `ca. ${range} tilbage`,
    upTo: (bound) => `op til ${bound} tilbage`,
    usually: (typical) => `normalt ca. ${typical} tilbage`,
    usuallyUpTo: (bound) => `normalt op til ${bound} tilbage`,
    soon: 'få sekunder tilbage',
    usuallySoon: 'normalt få sekunder',
    late: 'tager længere tid end normalt',
  },
};

/**
 * What is left of an estimate after `sinceMs`; empty when there is none to give.
 *
 * The steps are coarse so that the words stand still between ticks, and widen the range rather than narrow it.
 * @param {Eta | null | undefined} eta
 * @param {number} sinceMs  since the estimate was made
 * @param {string} [language]  a language tag; anything but Danish is worded in English
 * @returns {string}
 */
export function etaText(eta, sinceMs, language = 'en') {
  if (!eta || ![eta.ms, eta.low_ms, eta.high_ms].every(Number.isFinite)) return '';
  const words = wordsFor(language);
  const since = sinceMs > 0 ? sinceMs : 0;
  const remaining = (/** @type {number} */ ms) => Math.max(0, ms - since) / 1000;
  const high = roundUp(remaining(eta.high_ms));
  const shipped = eta.basis === 'default';
  // Without history there is no usual to be later than.
  if (since > eta.high_ms) return shipped ? '' : words.late;
  if (high <= 5) return shipped ? words.usuallySoon : words.soon;

  if (shipped) {
    const typical = roundDown(remaining(Math.min(eta.ms, eta.high_ms)));
    return typical > 0 ? words.usually(span(typical, words)) : words.usuallyUpTo(span(high, words));
  }
  const low = roundDown(remaining(Math.min(eta.low_ms, eta.high_ms)));
  return low > 0 ? words.between(range(low, high, words)) : words.upTo(span(high, words));
}

/**
 * A clock's face: `0:07`, `12:34`, `1:02:03`.
 * @param {number} ms
 */
export function elapsedText(ms) {
  const total = Math.floor(ms > 0 ? ms / 1000 : 0);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const seconds = String(total % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}

/** @param {string} language */
function wordsFor(language) {
  const base = language.toLowerCase().split('-')[0];
  return Object.hasOwn(WORDS, base) ? WORDS[base] : WORDS.en;
}

/** @param {number} seconds */
function step(seconds) {
  if (seconds < 60) return 5;
  if (seconds < 5 * 60) return 15;
  if (seconds < 15 * 60) return 30;
  return 60;
}

/** @param {number} seconds */
function roundDown(seconds) {
  return Math.floor(seconds / step(seconds)) * step(seconds);
}

/** @param {number} seconds */
function roundUp(seconds) {
  return Math.ceil(seconds / step(seconds)) * step(seconds);
}

/**
 * @param {number} seconds
 * @param {Words} words
 */
function span(seconds, words) {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  if (minutes === 0) return words.seconds(rest);
  return rest === 0 ? words.minutes(minutes) : `${words.minutes(minutes)} ${words.seconds(rest)}`;
}

/**
 * @param {number} low
 * @param {number} high
 * @param {Words} words
 */
function range(low, high, words) {
  if (low === high) return span(high, words);
  if (high < 60) return `${low}–${span(high, words)}`;
  if (low % 60 === 0 && high % 60 === 0) return `${low / 60}–${span(high, words)}`;
  return `${span(low, words)} – ${span(high, words)}`;
}
