// The schema, read by introspection, as a list to go through, and operations made of
// its fields. Nothing of it is ever taken for HTML: what a schema says becomes text.

const depth = 4; // of lists and marks around a type

const typeRef = (n) => (n === 0 ? "kind name" : `kind name ofType { ${typeRef(n - 1)} }`);

export const introspection = `query Introspection {
  __schema {
    queryType { name }
    mutationType { name }
    types {
      kind name description
      fields(includeDeprecated: true) { name description isDeprecated deprecationReason args { name description defaultValue type { ${typeRef(depth)} } } type { ${typeRef(depth)} } }
      inputFields { name description defaultValue type { ${typeRef(depth)} } }
      enumValues(includeDeprecated: true) { name description isDeprecated }
    }
  }
}`;

// el makes an element. Children that are texts become text.
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}

const spelt = (t) => (t.kind === "NON_NULL" ? spelt(t.ofType) + "!" : t.kind === "LIST" ? "[" + spelt(t.ofType) + "]" : t.name);
const named = (t) => (t.ofType ? named(t.ofType) : t.name);
const isRequired = (a) => a.type.kind === "NON_NULL" && (a.defaultValue === null || a.defaultValue === undefined);

export class Schema {
  constructor(data) {
    this.types = new Map(data.types.filter((t) => !t.name.startsWith("__")).map((t) => [t.name, t]));
    this.roots = [["query", data.queryType?.name], ["mutation", data.mutationType?.name]]
      .filter(([, name]) => this.types.has(name)).map(([kind, name]) => ({ kind, type: this.types.get(name) }));
  }

  // kind returns the kind of a root, "" for another type.
  kind(name) { return this.roots.find((r) => r.type.name === name)?.kind ?? ""; }

  isLeaf(t) { return !this.types.get(named(t))?.fields; }

  // selection is a choice of what a type has: its values, and where it has none, those
  // of what it leads to.
  selection(name, level, seen) {
    const fields = (this.types.get(name)?.fields ?? []).filter((f) => !f.isDeprecated && !f.args.some(isRequired));
    const leaves = fields.filter((f) => this.isLeaf(f.type)).map((f) => f.name);
    const inner = (f) => {
      const to = named(f.type);
      return seen.includes(to) ? "" : this.selection(to, level + 1, [...seen, to]);
    };
    const lines = leaves.slice(0, 12);
    for (const f of fields) {
      if (this.isLeaf(f.type) || (f.name !== "data" && (lines.length > 0 || level > 2))) continue;
      const below = inner(f);
      if (below) lines.push(`${f.name} ${below}`);
    }
    return lines.length === 0 ? "" : `{ ${lines.join(" ")} }`;
  }

  // value is a start for the value of an input.
  value(t, level = 0) {
    if (t.kind === "NON_NULL") return this.value(t.ofType, level);
    if (t.kind === "LIST") return [];
    const type = this.types.get(t.name);
    if (type?.enumValues?.length) return type.enumValues[0].name;
    if (type?.inputFields) {
      return level > 3 ? {} : Object.fromEntries(type.inputFields.filter(isRequired).map((f) => [f.name, this.value(f.type, level + 1)]));
    }
    return { Int: 0, Float: 0, Decimal: 0, BigInt: 0, Boolean: false, JSON: {} }[t.name] ?? "";
  }

  // operation is a document that asks for a field of a root, and its variables.
  operation(kind, field) {
    const args = field.args.filter((a) => isRequired(a) || (kind === "mutation" && a.name === "input"));
    const name = field.name[0].toUpperCase() + field.name.slice(1);
    const takes = args.length ? `(${args.map((a) => `$${a.name}: ${spelt(a.type)}`).join(" ")})` : "";
    const gives = args.length ? `(${args.map((a) => `${a.name}: $${a.name}`).join(" ")})` : "";
    const below = this.isLeaf(field.type) ? "" : this.selection(named(field.type), 0, [named(field.type)]);
    return {
      text: `${kind} ${name}${takes} { ${field.name}${gives} ${below} }`,
      variables: Object.fromEntries(args.map((a) => [a.name, this.value(a.type)])),
    };
  }
}

const most = 60; // lines of what was found

// An Explorer shows a schema in an element. Use is called with an operation.
export class Explorer {
  constructor(element, use) {
    this.element = element;
    this.use = use;
    this.schema = null;
    this.trail = [];
  }

  say(text) { this.element.replaceChildren(el("p", { class: "empty" }, text)); }

  show(schema) {
    this.schema = schema;
    this.trail = this.trail.filter((name) => schema.types.has(name));
    this.draw();
  }

  // open goes to a type, back to it where the way led through it.
  open(name) {
    const at = this.trail.indexOf(name);
    this.trail = at >= 0 ? this.trail.slice(0, at + 1) : [...this.trail, name];
    this.draw();
    this.element.scrollTop = 0;
    this.element.querySelector(".way-back button")?.focus({ preventScroll: true });
  }

  find(text) {
    const wanted = text.trim().toLowerCase();
    if (!this.schema) return;
    if (!wanted) { this.draw(); return; }
    const found = [];
    const look = (name, order, line) => {
      const at = name.toLowerCase().indexOf(wanted);
      if (at >= 0) found.push({ order: order + (at > 0 ? 1 : 0) - (name.length === wanted.length ? 1 : 0), line });
    };
    for (const type of this.schema.types.values()) {
      look(type.name, type.kind === "OBJECT" ? 3 : 6, () => this.typeLine(type));
      for (const f of type.fields ?? type.inputFields ?? []) look(f.name, this.schema.kind(type.name) ? 1 : 6, () => this.fieldLine(f, type));
    }
    const lines = found.sort((a, b) => a.order - b.order).slice(0, most).map((f) => f.line());
    const more = found.length > most ? el("p", { class: "empty" }, `and ${found.length - most} more`) : "";
    this.element.replaceChildren(lines.length ? el("ul", {}, ...lines) : el("p", { class: "empty" }, "Nothing is called so."), more);
  }

  draw() {
    const name = this.trail.at(-1);
    const parts = name ? this.typeParts(this.schema.types.get(name)) : this.rootParts();
    this.element.replaceChildren(...parts.filter(Boolean));
  }

  link(name) { return el("button", { type: "button", class: "link", onclick: () => this.open(name) }, name); }

  // typeOf spells a type, whose name leads to it.
  typeOf(t) {
    if (t.kind === "NON_NULL") return [...this.typeOf(t.ofType), "!"];
    if (t.kind === "LIST") return ["[", ...this.typeOf(t.ofType), "]"];
    return [this.schema.types.has(t.name) && !["ID", "String", "Int", "Float", "Boolean"].includes(t.name) ? this.link(t.name) : t.name];
  }

  about(text) { return text ? el("p", {}, text) : null; }

  typeLine(type) {
    return el("li", {}, el("div", { class: "line" }, el("code", {}, this.link(type.name)), el("span", { class: "tag" }, kinds[type.kind] ?? type.kind.toLowerCase())), this.about(type.description));
  }

  fieldLine(f, type, owner = true) {
    const code = el("code");
    if (owner && !this.schema.kind(type.name)) code.append(this.link(type.name), ".");
    code.append(el("span", { class: f.isDeprecated ? "name old" : "name" }, f.name));
    code.append(": ", ...this.typeOf(f.type));
    const kind = this.schema.kind(type.name);
    const use = kind
      ? el("button", { type: "button", class: "text", "aria-label": `Use ${f.name} in the document`, onclick: () => this.use(this.schema.operation(kind, f)) }, "Use")
      : "";
    return el("li", {}, el("div", { class: "line" }, code, use), f.args?.length ? this.takes(f) : null, this.about(f.description), f.isDeprecated ? this.about("Deprecated: " + (f.deprecationReason ?? "")) : null);
  }

  // takes names what a field takes; the names open a list of it.
  takes(f) {
    const list = el("ul", { class: "args", hidden: "" }, ...f.args.map((a) => el("li", {}, el("code", {}, a.name + ": ", ...this.typeOf(a.type)), this.about(a.description))));
    const toggle = el("button", {
      type: "button", class: "link takes", "aria-expanded": "false",
      onclick: () => { list.hidden = !list.hidden; toggle.setAttribute("aria-expanded", String(!list.hidden)); },
    }, el("span", { class: "vh" }, `What ${f.name} takes: `), f.args.map((a) => a.name + (isRequired(a) ? "!" : "")).join(", "));
    return el("div", {}, toggle, list);
  }

  rootParts() {
    const parts = [];
    for (const { kind, type } of this.schema.roots) {
      parts.push(el("h3", {}, kind === "query" ? "Queries" : "Mutations"), el("ul", {}, ...type.fields.map((f) => this.fieldLine(f, type))));
    }
    const rest = [...this.schema.types.values()].filter((t) => t.kind === "OBJECT" && !this.schema.kind(t.name));
    if (rest.length) parts.push(el("h3", {}, "Types"), el("ul", {}, ...rest.map((t) => this.typeLine(t))));
    return parts;
  }

  typeParts(type) {
    const back = el("div", { class: "way-back" }, el("button", { type: "button", class: "link", onclick: () => { this.trail = []; this.draw(); } }, "Schema"), "/");
    for (const name of this.trail.slice(0, -1).slice(-2)) back.append(this.link(name), " / ");
    back.append(el("strong", {}, type.name), el("span", { class: "tag" }, kinds[type.kind] ?? type.kind.toLowerCase()));
    const fields = type.fields ?? type.inputFields;
    return [
      back, this.about(type.description),
      fields?.length ? el("ul", {}, ...fields.map((f) => this.fieldLine(f, type, false))) : null,
      type.enumValues?.length
        ? el("ul", {}, ...type.enumValues.map((v) => el("li", {}, el("code", {}, el("span", { class: v.isDeprecated ? "name old" : "name" }, v.name)), this.about(v.description))))
        : null,
    ];
  }
}

const kinds = { OBJECT: "type", INPUT_OBJECT: "input", ENUM: "enum", SCALAR: "scalar", INTERFACE: "interface", UNION: "union" };
