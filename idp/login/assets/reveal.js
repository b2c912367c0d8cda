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
// Takes the name that was typed along to the page that resets the password: behind
// the # of its address, which goes to no server.
const name = document.getElementById('username');
const forgot = document.querySelector('a.keeps');
for (const link of forgot ? document.querySelectorAll('a') : []) {
  if (link.href !== forgot.href) continue;
  const bare = link.href;
  link.addEventListener('click', () => {
    link.href = bare + (name && name.value ? '#' + new URLSearchParams({ name: name.value }) : '');
  });
}
if (name && name.dataset.kept !== undefined && location.hash) {
  name.value = new URLSearchParams(location.hash.slice(1)).get('name') || name.value;
  history.replaceState(null, '', location.pathname + location.search);
}
