/** Requests to our own API, with the session's cookie. */

/**
 * @param {string} url
 * @param {{body?: unknown, accept?: string, signal?: AbortSignal}} options
 * @returns {Promise<Response | null>} null when the server can't be reached, or the request was aborted
 */
export async function post(url, { body, accept = 'application/json', signal }) {
  /** @type {Record<string, string>} */
  const headers = { Accept: accept, 'X-CSRFToken': csrfToken() };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    return await fetch(url, {
      method: 'POST',
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal,
    });
  } catch {
    return null;
  }
}

/** For browsers that tell the server neither `Sec-Fetch-Site` nor `Origin`. */
function csrfToken() {
  return /(?:^|;\s*)(?:__Host-)?csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? '';
}

/**
 * The id of the run that an answer is about.
 * @param {Response} response
 */
export function runOf(response) {
  return /\/api\/runs\/([0-9a-f-]+)/.exec(response.headers.get('Location') ?? '')?.[1] ?? null;
}
