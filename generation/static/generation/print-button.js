/** The print button, where there are scripts to make it work. */

import { find } from './dom.js';

const button = find(document, '#print', HTMLButtonElement);
button.hidden = false;
button.addEventListener('click', () => print());
