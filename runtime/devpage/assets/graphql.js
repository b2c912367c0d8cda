// The page to try GraphQL. It keeps what was asked in this tab, and never a token, a
// header, or what logs in; what comes back is shown as text.
import { operations, tidy } from "./graphql-text.js";
import { el, Explorer, introspection, Schema } from "./graphql-schema.js";

const $ = (id) => document.getElementById(id);
const address = document.body.dataset.address;
const desk = document.querySelector(".desk");
const fields = { query: $("query"), variables: $("variables"), token: $("token"), headers: $("headers") };

// --- what is shown ---------------------------------------------------------

function view(name) {
  desk.dataset.view = name;
  for (const b of document.querySelectorAll("[data-show]")) b.setAttribute("aria-pressed", String(b.dataset.show === name));
}
for (const b of document.querySelectorAll("[data-show]")) b.addEventListener("click", () => view(b.dataset.show));

const tabs = [...document.querySelectorAll("[role=tab]")];
function choose(tab) {
  for (const t of tabs) {
    const on = t === tab;
    t.setAttribute("aria-selected", String(on));
    t.tabIndex = on ? 0 : -1;
    $(t.getAttribute("aria-controls")).hidden = !on;
  }
  if (tab.id === "tab-history") drawHistory();
}
tabs.forEach((tab, i) => {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    const next = tabs[(i + step + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
});

function wrong(name, text) {
  $(name + "-error").textContent = text;
  $(name + "-error").hidden = !text;
  fields[name].setAttribute("aria-invalid", String(Boolean(text)));
  if (text) choose($("tab-" + name));
}

// --- what is asked ---------------------------------------------------------

function readVariables() {
  const text = fields.variables.value.trim();
  wrong("variables", "");
  if (!text) return {};
  try {
    const value = JSON.parse(text);
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error('They are an object, such as {"id": "…"}.');
    return value;
  } catch (err) {
    wrong("variables", "Variables are not JSON. " + err.message);
    return null;
  }
}

function readHeaders() {
  wrong("headers", "");
  const headers = new Headers({ "Content-Type": "application/json", Accept: "application/graphql-response+json, application/json" });
  try {
    for (const line of fields.headers.value.split("\n")) {
      if (!line.trim()) continue;
      const at = line.indexOf(":");
      if (at < 1) throw new Error(`“${line.trim()}” is no header: write Name: value`);
      headers.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
    }
    if (fields.token.value.trim()) headers.set("Authorization", "Bearer " + fields.token.value.trim());
  } catch (err) {
    wrong("headers", err.message);
    return null;
  }
  return headers;
}

// operation returns the name of the operation at the caret, where there are several.
function operation() {
  const list = operations(fields.query.value);
  if (list.length < 2) return undefined;
  const caret = fields.query.selectionStart;
  return (list.find((o) => o.from <= caret && caret <= o.to) ?? list[0]).name || undefined;
}

let running = null;

async function run() {
  if (running) { running.abort(); return; }
  const variables = readVariables();
  const headers = variables && readHeaders();
  if (!headers) { view("ask"); return; }
  const query = fields.query.value;
  const operationName = operation();
  running = new AbortController();
  $("run").textContent = "Stop";
  $("use-token").hidden = $("copy-answer").hidden = true;
  said("…");
  const start = performance.now();
  try {
    const res = await fetch(address, { method: "POST", headers, body: JSON.stringify({ query, variables, operationName }), signal: running.signal, credentials: "same-origin", redirect: "error", cache: "no-store" });
    const text = await res.text();
    remember(query, variables);
    answered(res, text, Math.round(performance.now() - start), operationName);
  } catch (err) {
    $("result").replaceChildren(el("span", { class: "empty" }, err.name === "AbortError" ? "Stopped before there was an answer." : "There is no answer: is the service running? " + err.message));
    said(err.name === "AbortError" ? "Stopped" : "No answer", true);
  } finally {
    running = null;
    $("run").textContent = "Run";
  }
  view("answer");
}

// --- what came back --------------------------------------------------------

function said(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

const size = (n) => (n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1000).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`);

function answered(res, text, ms, name) {
  let value;
  try { value = JSON.parse(text); } catch { value = undefined; }
  const errors = Array.isArray(value?.errors) && !("code" in value) ? value.errors.length : 0;
  said([res.status, name, `${ms} ms`, size(new Blob([text]).size), errors ? `${errors} ${errors === 1 ? "error" : "errors"}` : ""].filter(Boolean).join(" · "), !res.ok || errors > 0);
  show(value === undefined ? text : pretty(text));
  $("copy-answer").hidden = false;
  const token = tokenIn(value?.data);
  $("use-token").hidden = !token;
  $("use-token").onclick = () => {
    fields.token.value = token;
    $("use-token").hidden = true;
    choose($("tab-headers"));
    said("Logged in: requests carry the token now");
    void read();
  };
}

// tokenIn finds what a log-in answered.
function tokenIn(data) {
  for (const v of Object.values(data ?? {})) {
    if (v && typeof v.accessToken === "string") return v.accessToken;
  }
  return "";
}

const part = /("(?:\\.|[^"\\])*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],]/g;

// pretty lays JSON out as it was sent: numbers keep all of their digits, and members
// their order.
function pretty(text) {
  let out = "";
  let level = 0;
  let before = "";
  const line = () => { out += "\n" + "  ".repeat(level); };
  for (const [w] of text.matchAll(part)) {
    if (w === "}" || w === "]") {
      level--;
      if (before !== "{" && before !== "[") line();
    } else if (before === "{" || before === "[") {
      line();
    }
    out += w.endsWith(":") && w.startsWith('"') ? w.replace(/\s*:$/, ": ") : w;
    if (w === "{" || w === "[") level++;
    if (w === ",") line();
    before = w;
  }
  return out;
}

const coloured = 300_000; // characters; more is shown as it is

function show(text) {
  const out = $("result");
  if (text.length > coloured) { out.textContent = text; return; }
  const nodes = document.createDocumentFragment();
  let from = 0;
  for (const m of text.matchAll(part)) {
    const kind = m[1] ? (m[2] ? "k" : "s") : /^[-\d]/.test(m[0]) ? "n" : /^[tfn]/.test(m[0]) ? "b" : "";
    if (!kind) continue;
    const what = m[1] ?? m[0];
    nodes.append(text.slice(from, m.index), el("span", { class: kind }, what));
    from = m.index + what.length;
  }
  nodes.append(text.slice(from));
  out.replaceChildren(nodes);
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied";
  }
  button.addEventListener("blur", () => { button.textContent = "Copy"; }, { once: true });
}
$("copy-answer").addEventListener("click", () => copy($("copy-answer"), $("result").textContent));
$("copy-query").addEventListener("click", () => copy($("copy-query"), fields.query.value));

// --- what was asked before -------------------------------------------------

const kept = 20;
const store = "gate.graphql";
const secret = /passw|secret|token|credential|\blogin\b/i;

function history() {
  try {
    const list = JSON.parse(sessionStorage.getItem(store) ?? "[]");
    return Array.isArray(list) ? list.filter((h) => typeof h?.query === "string" && typeof h.variables === "string") : [];
  } catch {
    return [];
  }
}

// remember keeps what was asked for this tab, unless it could hold a password.
function remember(query, variables) {
  const written = Object.keys(variables).length ? JSON.stringify(variables, null, 2) : "";
  if (!query.trim() || secret.test(query) || secret.test(written)) return;
  const list = [{ query, variables: written }, ...history().filter((h) => h.query !== query || h.variables !== written)].slice(0, kept);
  try { sessionStorage.setItem(store, JSON.stringify(list)); } catch { /* a browser that keeps nothing */ }
  if (!$("history-panel").hidden) drawHistory();
}

function drawHistory() {
  const list = history();
  const lines = list.map((h) => el("button", { type: "button", class: "past", onclick: () => put(h.query, h.variables) },
    el("code", {}, h.query.replace(/\s+/g, " ").trim().slice(0, 200)), h.variables ? el("span", {}, "with variables") : ""));
  $("history-panel").replaceChildren(el("p", { class: "quiet" }, list.length ? "Of this tab, until it is closed. What logs in is not kept." : "What you ask is kept here until this tab is closed. What logs in is not."), el("div", {}, ...lines));
}

function put(query, variables) {
  fields.query.value = query;
  fields.variables.value = variables;
  wrong("variables", "");
  choose($("tab-variables"));
  view("ask");
  fields.query.focus();
  fields.query.setSelectionRange(0, 0);
  fields.query.scrollTop = 0;
}

// --- the document ----------------------------------------------------------

$("run").addEventListener("click", () => void run());
$("tidy").addEventListener("click", () => { fields.query.value = tidy(fields.query.value); });
document.addEventListener("keydown", (e) => {
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
    e.preventDefault();
    void run();
  }
});

// A new line begins where the last one did, and further in behind a bracket.
fields.query.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.ctrlKey || e.metaKey || e.altKey || e.shiftKey || e.isComposing) return;
  const { value, selectionStart: at, selectionEnd: to } = fields.query;
  const line = value.slice(value.lastIndexOf("\n", at - 1) + 1, at);
  const indent = /^\s*/.exec(line)[0];
  const opens = /[{([]\s*$/.test(line);
  const closes = opens && /^\s*[})\]]/.test(value.slice(to));
  e.preventDefault();
  fields.query.setRangeText("\n" + indent + (opens ? "  " : "") + (closes ? "\n" + indent : ""), at, to, "end");
  if (closes) fields.query.selectionStart = fields.query.selectionEnd = fields.query.selectionEnd - indent.length - 1;
});

// --- the schema ------------------------------------------------------------

const explorer = new Explorer($("tree"), ({ text, variables }) => {
  put(tidy(text), Object.keys(variables).length ? JSON.stringify(variables, null, 2) : "");
});
$("find").addEventListener("input", () => explorer.find($("find").value));
$("find").addEventListener("keydown", (e) => { if (e.key === "Escape") { $("find").value = ""; explorer.find(""); } });
$("reload").addEventListener("click", () => void read());

async function read() {
  const headers = readHeaders();
  if (!headers) return;
  if (!explorer.schema) explorer.say("Reading the schema …");
  try {
    const res = await fetch(address, { method: "POST", headers, body: JSON.stringify({ query: introspection }), credentials: "same-origin", redirect: "error", cache: "no-store" });
    const body = await res.json();
    if (!body.data) throw new Error(body.errors?.[0]?.message ?? body.message ?? "answered " + res.status);
    const schema = new Schema(body.data.__schema);
    explorer.show(schema);
    begin(schema);
  } catch (err) {
    explorer.say("The schema cannot be read: " + err.message);
  }
}

// begin writes a first document: the first list that the schema has.
function begin(schema) {
  if (fields.query.value) return;
  const query = schema.roots[0]?.type.fields ?? [];
  const first = query.find((f) => f.type.kind === "LIST" && !f.args.some((a) => a.type.kind === "NON_NULL")) ?? query[0];
  if (first) fields.query.value = tidy(schema.operation("query", first).text);
}

$("result").append(el("span", { class: "empty" }, "Run the document, and what the service answers stands here."));
void read();
