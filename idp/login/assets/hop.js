'use strict';
// Sends the answer on; the button does the same where scripts are off. Coming
// back by the history must not send it twice.
const [visit] = performance.getEntriesByType('navigation');
if (!visit || visit.type !== 'back_forward') {
  // a field may be called submit
  HTMLFormElement.prototype.submit.call(document.getElementById('hop'));
}
