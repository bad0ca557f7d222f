/** Words for how long a run will still take, and its clock. */

/** @typedef {import('./remaining.js').Left} Left */

/**
 * @typedef {object} Words
 * @property {(seconds: number) => string} seconds
 * @property {(minutes: number) => string} minutes
 * @property {(hours: number) => string} hours
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
    hours: (n) => `${n} h`,
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
    hours: (n) => `${n} t.`,
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
 * What `shownAt` of `remaining.js` gives, in words; empty when there is nothing to say.
 *
 * A range where earlier runs give one. The steps are coarse, and widen the range rather than narrow it.
 * @param {{left: Left | null, late: boolean}} shown
 * @param {string} [language]  a language tag; anything but Danish is worded in English
 * @returns {string}
 */
export function etaText({ left, late }, language = 'en') {
  const words = wordsFor(language);
  if (!late) return left ? leftText(left, words) : '';
  // Shipped figures know nothing of what is usual here.
  return left?.history ? `${words.late}, ${leftText(left, words)}` : words.late;
}

/**
 * @param {Left} left
 * @param {Words} words
 */
function leftText(left, words) {
  const high = roundUp(left.high / 1000);
  if (high <= 5) return left.history ? words.soon : words.usuallySoon;
  if (left.history) {
    const low = roundDown(left.low / 1000);
    return low > 0 ? words.between(range(low, high, words)) : words.upTo(span(high, words));
  }
  const typical = roundDown(left.mid / 1000);
  return typical > 0 ? words.usually(span(typical, words)) : words.usuallyUpTo(span(high, words));
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
  if (seconds < 60 * 60) return 60;
  return 5 * 60;
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
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const parts = [hours && words.hours(hours), minutes && words.minutes(minutes), rest && words.seconds(rest)];
  return parts.filter(Boolean).join(' ');
}

/**
 * @param {number} low
 * @param {number} high
 * @param {Words} words
 */
function range(low, high, words) {
  if (low === high) return span(high, words);
  if (high < 60) return `${low}–${span(high, words)}`;
  if (high < 3600 && low % 60 === 0 && high % 60 === 0) return `${low / 60}–${span(high, words)}`;
  return `${span(low, words)} – ${span(high, words)}`;
}
