'use strict';
// Hands the answer to the window that opened this one, else to the one around it,
// and only if it is of the registered origin.
const answer = document.getElementById('answer').dataset;
(window.opener || window.parent).postMessage(
  { type: 'authorization_response', response: JSON.parse(answer.response) },
  answer.origin,
);
