/** What was typed and not sent yet outlives a change elsewhere in the program, which the server answers with all of it. */

/** @typedef {{ id: string, value: string }} Typed */
/** @typedef {{ texts: Typed[], ticks: string[] }} Kept */

/**
 * What differs from what the server had written. The form that was sent is left out: the answer says what became of it.
 * @param {ParentNode} root
 * @param {unknown} sent
 * @returns {Kept}
 */
export function collected(root, sent) {
  /** @type {Kept} */
  const kept = { texts: [], ticks: [] };
  for (const field of root.querySelectorAll('.dose-form input[type=number], .note-form textarea')) {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) continue;
    if (field.form !== sent && field.value !== field.defaultValue) kept.texts.push({ id: field.id, value: field.value });
  }
  for (const tick of root.querySelectorAll('#approval input[name=acknowledged]')) {
    if (tick instanceof HTMLInputElement && tick.checked) kept.ticks.push(tick.value);
  }
  return kept;
}

/**
 * @param {Document} page
 * @param {Kept} kept
 */
export function putBack(page, kept) {
  for (const { id, value } of kept.texts) {
    const field = page.getElementById(id);
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) continue;
    field.value = value;
    field.closest('details')?.setAttribute('open', '');
  }
  for (const tick of page.querySelectorAll('#approval input[name=acknowledged]')) {
    if (tick instanceof HTMLInputElement && kept.ticks.includes(tick.value)) tick.checked = true;
  }
}
