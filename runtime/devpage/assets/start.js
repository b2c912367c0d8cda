// Adds a button to every command: a click on the command selects it whole, the
// button copies it, which the keyboard can reach.
"use strict";

for (const command of document.querySelectorAll("pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "text";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy: " + command.previousElementSibling.textContent);
  const said = document.createElement("span");
  said.className = "quiet";
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      said.textContent = " Copied";
    } catch {
      getSelection().selectAllChildren(command);
      said.textContent = " Selected";
    }
  });
  command.after(button, said);
}
