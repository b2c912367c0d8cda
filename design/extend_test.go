package design_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
)

const ownShop = `gate: 1
service: {name: shop, module: example.com/shop}
roles: {clerk: {permissions: ["read:notes"]}}
plugins: {auth-core: {entity: User}}
entities:
  Item:
    fields: {name: {type: text, required: true}}
    allow: {view: public, update: [clerk]}
    fieldRules: {name: {update: nobody}}
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
`

// TestWith adds an entity and fields, which are like those of the file; the design
// that they are added to, and what the file says, stay as they are.
func TestWith(t *testing.T) {
	d := parse(t, ownShop)
	before := string(d.JSON())
	got, err := d.With(
		design.Addition{Plugin: "notes", YAML: []byte("entities:\n  Note:\n    fields: {item: {type: relation, to: Item, inverse: notes}, text: text}\n    allow: {list: [\"read:notes\"]}\n")},
		design.Addition{Plugin: "flags", YAML: []byte(`{"entities": {"Item": {"fields": {"flagged": "boolean"}, "fieldRules": {"flagged": {"update": ["clerk"]}}}}}`)},
		design.Addition{Plugin: "none"},
	)
	if err != nil {
		t.Fatal(err)
	}
	note, item := got.Entity("Note"), got.Entity("Item")
	if note == nil || note.Table != "notes" || note.Pos.File != "plugin notes" || note.Field("id") == nil || item.Link("notes") == nil {
		t.Fatalf("got %+v", note)
	}
	if f := item.Field("flagged"); f == nil || f.Pos.File != "plugin flags" || rules(f.Access.Update) != "clerk" {
		t.Errorf("got %+v", f)
	}
	if rules(item.Allow.View) != "public" || rules(item.Field("name").Access.Update) != "nobody" {
		t.Error("what the user wrote changed")
	}
	if d.Entity("Note") != nil || d.Entity("Item").Field("flagged") != nil || string(d.JSON()) != before || string(got.JSON()) != before {
		t.Error("the design that it was added to changed")
	}
	again, err := got.With(design.Addition{Plugin: "flags", YAML: []byte("entities: {Item: {fields: {flagged: boolean}}}")})
	if err != nil || again.Entity("Note") != nil || got.Written() != d || again.Written() != d {
		t.Errorf("from the file again: %v", err)
	}
	alone, err := d.With()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range alone.Entities {
		names = append(names, e.Name)
	}
	if want := []string{"Item", "User"}; !cmp.Equal(names, want) {
		t.Errorf("got %v", names)
	}
}

// TestWithChangesNothing tries to open, close or take over what is the user's. Each
// error names the plugin.
func TestWithChangesNothing(t *testing.T) {
	for name, tt := range map[string]struct{ yaml, want string }{
		"rules":              {"entities: {Item: {allow: {delete: public}}}", `plugin evil:1:19: "allow" of Item is not for a plugin to say`},
		"owner":              {"entities: {User: {owner: id}}", `plugin evil:1:19: "owner" of User is not for a plugin to say`},
		"acceptance":         {"entities: {Item: {accept: [nobody]}}", `"accept" of Item is not for a plugin to say`},
		"table":              {"entities: {Item: {table: users}}", `"table" of Item is not for a plugin to say`},
		"field of the user":  {"entities: {Item: {fields: {name: longtext}}}", `Item has "name" already, and plugin evil adds it`},
		"its rules":          {"entities: {Item: {fieldRules: {name: {update: public}}}}", "the rules of Item.name are not for a plugin to say"},
		"both":               {"entities: {Item: {fields: {name: text}, fieldRules: {name: {update: public}}}}", `Item has "name" already`},
		"same column":        {"entities: {Item: {fields: {other: {type: text, column: name}}}}", "column"},
		"same name in Go":    {"entities: {Item: {fields: {Name: text}}}", "plugin evil:1:28: "},
		"a second password":  {"entities: {Item: {fields: {secret: password}}}", "only User, the entity of the accounts"},
		"deleted with":       {"entities: {Item: {fields: {by: {type: relation, to: User, onDelete: cascade}}}}", "a plugin cannot have rows of Item deleted with others"},
		"same table":         {"entities: {Thing: {table: items, fields: {a: text}}}", "have the same table"},
		"same route":         {"entities: {Thing: {route: items, fields: {a: text}}}", "have the same route"},
		"a name of the code": {"entities: {App: {fields: {a: text}}}", "plugin evil:1:12: "},
		"a role":             {"roles: {boss: {}}", `plugin evil:1:1: unknown key "roles" in what a plugin adds`},
		"the service":        {"service: {insecureOpenToEveryone: true}", `unknown key "service" in what a plugin adds`},
		"an unknown role":    {"entities: {Thing: {fields: {a: text}, allow: {view: [chef]}}}", "plugin evil:1:"},
		"no YAML":            {"entities: {", "plugin evil:1:"},
		"no mapping":         {"entities: [Item]", "plugin evil:1:11: entities has to be a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parse(t, ownShop).With(design.Addition{Plugin: "evil", YAML: []byte(tt.yaml)})
			if _, ok := errors.AsType[*design.Errors](err); !ok || d != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	_, err := parse(t, ownShop).With(design.Addition{Plugin: "a", YAML: []byte("entities: {Thing: {fields: {a: text}}}")},
		design.Addition{Plugin: "b", YAML: []byte("entities: {Thing: {allow: {view: public}}}")})
	if err == nil || !strings.Contains(err.Error(), `plugin b:1:20: "allow" of Thing is not for a plugin to say`) {
		t.Errorf("an entity of another plugin: %v", err)
	}
}
