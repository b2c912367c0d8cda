'use strict';
// A button below each command copies it. Pages of http at a name of this machine
// are no secure context everywhere, and have no clipboard to write to there: the
// old way selects the text and copies that. Where neither works it is selected.
const select = (pre) => getSelection().selectAllChildren(pre);
const copy = async (pre) => {
  try {
    await navigator.clipboard.writeText(pre.textContent);
    return true;
  } catch {
    select(pre);
    return document.execCommand('copy');
  }
};
for (const button of document.querySelectorAll('button[data-copies]')) {
  const pre = document.getElementById(button.dataset.copies);
  const { textContent } = button;
  button.parentElement.hidden = false;
  button.addEventListener('click', async () => {
    button.textContent = (await copy(pre)) ? 'Copied' : 'Selected: press Ctrl+C';
    setTimeout(() => { button.textContent = textContent; }, 2000);
  });
}
