// Starts the viewer. It is a file of its own because the page allows no inline
// script.
"use strict";

const viewer = document.getElementById("viewer");

SwaggerUIBundle({
  domNode: viewer,
  url: viewer.dataset.url,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  showExtensions: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
