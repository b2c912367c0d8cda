'use strict';
// A button below each command copies it. Pages of http at a name of this machine
// are no secure context everywhere, and have no clipboard to write to there: the
// old way selects the text and copies that. Where neither works it is selected.
const select = (pre, from) => {
  const text = pre.firstElementChild.firstChild;
  getSelection().setBaseAndExtent(text, from, text, text.length);
};
const copy = async (pre, from) => {
  try {
    await navigator.clipboard.writeText(pre.textContent.slice(from));
    return true;
  } catch {
    select(pre, from);
    return document.execCommand('copy');
  }
};
// A code is good for one log-in: whoever reloads the page begins another, of which
// the session asks nothing.
if (document.getElementById('token')) history.replaceState(null, '', document.querySelector('[aria-current]').href);
for (const button of document.querySelectorAll('button[data-copies]')) {
  const pre = document.getElementById(button.dataset.copies);
  const { textContent, dataset: { after = '' } } = button; // what stands before what is wanted
  button.parentElement.hidden = false;
  button.addEventListener('click', async () => {
    button.textContent = (await copy(pre, after.length)) ? 'Copied' : 'Selected: press Ctrl+C';
    setTimeout(() => { button.textContent = textContent; }, 2000);
  });
}
