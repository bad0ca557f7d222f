/** How long to wait before coming back. */

/**
 * Full jitter: any moment up to the exponential bound, so that the clients of a restarted server
 * do not return together.
 * @param {{attempt: number, baseMs: number, capMs: number, random: () => number}} options  `attempt` counts from 1
 */
export function fullJitter({ attempt, baseMs, capMs, random }) {
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** (attempt - 1)));
}

/**
 * A `Retry-After` header, in seconds or as a date.
 * @param {string | null} value
 * @param {number} now  milliseconds since the epoch
 * @returns {number | null} null when there is none to honour
 */
export function retryAfterMs(value, now) {
  if (value === null) return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
