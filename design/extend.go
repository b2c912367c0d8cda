package design

import (
	"fmt"
	"slices"
)

// An Addition is what a plugin adds to a design: a section "entities" as in
// gate.yaml, of entities of its own and of fields of others.
//
//	entities:
//	  AuditEntry: {fields: {what: {type: text, required: true}}, allow: {list: [auditor]}}
//	  Item: {fields: {flagged: boolean}, fieldRules: {flagged: {update: [auditor]}}}
type Addition struct {
	Plugin string // its name, which positions in the text carry
	YAML   []byte
}

// With returns the design with what plugins add to it, read and checked like the
// file. It starts from the file, whatever was added to d before. An addition takes
// nothing away and changes nothing: an entity of its own cannot be there already,
// and of one that is, it can add fields, and rules for these, and nothing else. The
// error is an [*Errors], whose problems name the plugin in the place of the file.
func (d *Design) With(additions ...Addition) (*Design, error) {
	l := newLoader(d.File)
	root := *d.root
	for _, a := range additions {
		n := readYAML("plugin "+a.Plugin, a.YAML, l.errs)
		if n == nil || n.isNull() {
			continue
		}
		l.merge(&root, n, a.Plugin)
	}
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	out, err := l.load(&root)
	if err != nil {
		return nil, err
	}
	out.root, out.written = d.root, d.Written()
	return out, nil
}

// Written returns the design as the file alone says it, without what plugins added.
func (d *Design) Written() *Design {
	if d.written != nil {
		return d.written
	}
	return d
}

// merge adds the entities of a plugin to those of the file, whose nodes stay as they
// are.
func (l *loader) merge(root, added *node, plugin string) {
	if !l.object(added, "", "what a plugin adds", []key{{name: "entities"}}) {
		return
	}
	entities := added.get("entities")
	if entities.isNull() || !l.mapping(entities, "entities") {
		return
	}
	all := &node{kind: KindMapping, pos: entities.pos}
	if own := root.get("entities"); !own.isNull() {
		*all = *own
		all.entries = slices.Clone(own.entries)
	}
	for _, e := range entities.entries {
		i := slices.IndexFunc(all.entries, func(o entry) bool { return o.key == e.key })
		if i < 0 {
			all.entries = append(all.entries, e)
			continue
		}
		all.entries[i].value = l.widen(all.entries[i], e, plugin)
	}
	root.entries = slices.Clone(root.entries)
	if i := slices.IndexFunc(root.entries, func(o entry) bool { return o.key == "entities" }); i >= 0 {
		root.entries[i].value = all
	} else {
		root.entries = append(root.entries, entry{key: "entities", pos: entities.pos, value: all})
	}
}

// widen returns an entity with the fields that a plugin adds, and with their rules.
func (l *loader) widen(have, added entry, plugin string) *node {
	path := "entities." + added.key
	if !l.mapping(added.value, path) || have.value.kind != KindMapping {
		return have.value
	}
	out := *have.value
	out.entries = slices.Clone(out.entries)
	fields := added.value.get("fields")
	for _, e := range added.value.entries {
		switch {
		case e.key != "fields" && e.key != "fieldRules":
			l.errs.Add(e.pos, join(path, e.key), fmt.Sprintf("%s of %s is not for a plugin to say: it can add fields, and rules for these", quote(e.key), added.key), "")
			continue
		case !l.mapping(e.value, join(path, e.key)):
			continue
		}
		section := &node{kind: KindMapping, pos: e.pos}
		i := slices.IndexFunc(out.entries, func(o entry) bool { return o.key == e.key })
		if i >= 0 && !out.entries[i].value.isNull() {
			*section = *out.entries[i].value
			section.entries = slices.Clone(section.entries)
		}
		for _, member := range e.value.entries {
			at := join(join(path, e.key), member.key)
			switch cascade := member.value.get("onDelete"); {
			case e.key == "fields" && cascade != nil && cascade.text == string(Cascade):
				l.errs.Add(cascade.pos, at+".onDelete", fmt.Sprintf("a plugin cannot have rows of %s deleted with others", added.key), "restrict, or set-null")
			case e.key == "fieldRules" && (fields.isNull() || fields.get(member.key) == nil):
				l.errs.Add(member.pos, at, fmt.Sprintf("the rules of %s.%s are not for a plugin to say", added.key, member.key), "")
			case slices.ContainsFunc(section.entries, func(o entry) bool { return o.key == member.key }):
				l.errs.Add(member.pos, at, fmt.Sprintf("%s has %s already, and plugin %s adds it", added.key, quote(member.key), plugin),
					fmt.Sprintf("rename the one of the file, or turn %s off", plugin))
			default:
				section.entries = append(section.entries, member)
			}
		}
		if i >= 0 {
			out.entries[i].value = section
		} else {
			out.entries = append(out.entries, entry{key: e.key, pos: e.pos, value: section})
		}
	}
	return &out
}

func (l *loader) mapping(n *node, path string) bool {
	if n.kind != KindMapping {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be a mapping, not %s", last(path), n.describe()), "")
		return false
	}
	return true
}
