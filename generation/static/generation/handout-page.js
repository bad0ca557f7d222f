/** The print button, and the first name: it goes onto the page in this browser, and nowhere else. */

const button = document.querySelector('#print');
button?.addEventListener('click', () => print());

const field = document.querySelector('#id_first_name');
const line = document.querySelector('#for-name');
if (field instanceof HTMLInputElement && line instanceof HTMLElement) {
  const words = line.dataset.words ?? '{name}';
  field.addEventListener('input', () => {
    const name = field.value.trim();
    line.hidden = !name;
    line.textContent = words.split('{name}').join(name);
  });
}
