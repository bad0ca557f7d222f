/** An exercise of a program that is still a draft. */

import { find } from './dom.js';

/**
 * @param {Record<string, any>} exercise  the value of an `item` event
 * @returns {DocumentFragment}
 */
export function exerciseCard(exercise) {
  const template = find(document, '#exercise-card', HTMLTemplateElement);
  const card = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  find(card, 'h3', HTMLElement).textContent = exercise.name;
  find(card, '.dose', HTMLElement).textContent = exercise.dose_text;
  find(card, '.reason', HTMLElement).textContent = exercise.reason;
  return card;
}
