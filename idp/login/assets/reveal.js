'use strict';
// Keeps what was typed when the password is shown or hidden. The server reads the
// input that shows; without this script the other simply starts empty.
for (const box of document.querySelectorAll('.pw .reveal')) {
  const field = box.closest('.pw');
  const hidden = field.querySelector('.hid');
  const plain = field.querySelector('.plain');
  const move = () => {
    const [from, to] = box.checked ? [hidden, plain] : [plain, hidden];
    to.value = from.value || to.value;
    from.value = '';
  };
  box.addEventListener('change', () => {
    move();
    (box.checked ? plain : hidden).focus();
  });
  // managers fill the hidden one, and browsers remember the tick
  box.form.addEventListener('submit', () => {
    if (box.checked && !plain.value) move();
  });
  if (box.checked) move();
}
