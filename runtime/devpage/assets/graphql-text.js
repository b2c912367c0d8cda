// Documents as text: the words that they are made of, their operations, and how they
// are laid out.

const word = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*|\.\.\.|[_A-Za-z][_0-9A-Za-z]*|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[!$&()=@[\]{|}:]/g;

const isName = (text) => /^[_A-Za-z]/.test(text);

// words returns the words of a document, each with its place.
export function words(text) {
  return Array.from(text.matchAll(word), (m) => ({ text: m[0], from: m.index, to: m.index + m[0].length }));
}

// operations returns the operations of a document: their kinds, names and places.
export function operations(text) {
  const found = [];
  let depth = 0;
  let current = null;
  const list = words(text).filter((w) => !w.text.startsWith("#"));
  list.forEach((w, i) => {
    if (depth === 0 && !current) {
      const next = list[i + 1];
      if (["query", "mutation", "subscription", "fragment"].includes(w.text)) {
        current = { kind: w.text, name: next && isName(next.text) ? next.text : "", from: w.from, to: w.to };
      } else if (w.text === "{") {
        current = { kind: "query", name: "", from: w.from, to: w.to };
      }
    }
    if ("({[".includes(w.text)) depth++;
    if (")}]".includes(w.text)) depth--;
    if (current) current.to = w.to;
    if (current && depth === 0 && w.text === "}") {
      if (current.kind !== "fragment") found.push(current);
      current = null;
    }
  });
  return found;
}

// gap is what stands between two words inside of parentheses.
function gap(before, after) {
  if ("([{$@".includes(before) || ")]}!:(".includes(after)) return "";
  if (before === ":" || before === "=" || after === "=" || after === "@") return " ";
  return ", ";
}

// tidy lays a document out, a field a line. A document whose brackets do not match
// stays as it is.
export function tidy(text) {
  const list = words(text);
  let out = "";
  let level = 0;
  let round = 0;
  let before = "";
  const line = () => { out = out.trimEnd() + (out === "" ? "" : "\n" + (level === 0 && round === 0 ? "\n" : "")) + "  ".repeat(level); };
  for (const { text: w } of list) {
    if (w.startsWith("#")) {
      if (before.startsWith("#")) out = out.trimEnd() + "\n" + "  ".repeat(level);
      else line();
      out += w + "\n" + "  ".repeat(level);
    } else if (round > 0) {
      out += (before.startsWith("#") ? "" : gap(before, w)) + w;
      if (w === "(") round++;
      if (w === ")") round--;
    } else if (w === "(") {
      round++;
      out += w;
    } else if (w === "{") {
      out += (out === "" || /\s$/.test(out) ? "" : " ") + w;
      level++;
    } else if (w === "}") {
      level--;
      if (level < 0) return text;
      out = out.trimEnd() + "\n" + "  ".repeat(level) + w;
    } else if (level === 0) {
      if (["", "}"].includes(before)) line();
      else if (!before.startsWith("#") && !["$", "@"].includes(before)) out += " ";
      out += w;
    } else if (w === ":" || ["@", "$"].includes(before) || (before === "..." && w !== "on")) {
      out += w;
    } else if (w === "@" || before === ":" || before === "..." || (before === "on" && /\.\.\. on$/.test(out))) {
      out += " " + w;
    } else {
      if (before.startsWith("#")) out += w;
      else { out = out.trimEnd() + "\n" + "  ".repeat(level) + w; }
    }
    before = w;
  }
  return level === 0 && round === 0 ? out.trim() + "\n" : text;
}
