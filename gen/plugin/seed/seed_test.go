package seed_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

const shop = `gate: 1
service: {name: shop, module: example.com/shop}
roles: {customer: {default: true}, cook: {}}
plugins:
  auth-core: {entity: User}
  auth-jwt: {}
  seed: {}
entities:
  Item:
    fields:
      name: {type: text, required: true, maxLength: 10}
      price: {type: decimal, precision: 6, scale: 2, min: 0}
      count: integer
      weight: float
      sold: boolean
      kind: {type: enum, values: [dish, drink], default: dish}
      since: date
      link: url
      more: json
      maker: {type: relation, to: User, inverse: made}
      tags: {type: relation, to: Tag, many: true, inverse: items}
  Tag:
    fields:
      name: {type: text, required: true, unique: true}
      twin: {type: relation, to: Tag}
      box: {type: relation, to: Box}
  Box:
    fields:
      label: {type: relation, to: Tag, required: true}
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
`

func generate(t testing.TB, rows string) (gen.Files, error) {
	t.Helper()
	d, err := design.Parse("shop/gate.yaml", []byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	return gen.Generate(d, gen.Options{Replace: "/gate", State: gen.State{Inputs: map[string][]byte{"seed.yaml": []byte(rows)}}}, standard.Plugins()...)
}

// TestErrors says which place of the file is wrong, and never a password.
func TestErrors(t *testing.T) {
	for name, tt := range map[string]struct{ rows, want, hint string }{
		"no mapping":        {"[]", "1:1: the file has to be a mapping of entities", "Item"},
		"not YAML":          {"Item: {", "1:", ""},
		"twice":             {"Item:\n  a: {name: x}\n  a: {name: y}\n", `3:3: duplicate key "a", first on line 2`, ""},
		"unknown entity":    {"Itme:\n  a: {name: x}\n", `1:1: unknown entity "Itme"`, "Item, Tag, Box, User"},
		"no rows":           {"Item: [a]\n", "1:7: the rows of Item have to be a mapping", "give each a name"},
		"no name":           {"Item:\n  a b: {name: x}\n", `2:3: "a b" is no name of a row`, ""},
		"no fields":         {"Item:\n  a: x\n", "2:6: Item a has to be a mapping of fields", "{}"},
		"unknown field":     {"Item:\n  a: {name: x, prize: 1}\n", `2:16: unknown field "prize" of Item`, "name, price"},
		"key":               {"Item:\n  a: {name: x, makerId: u}\n", "2:16: makerId is the key of maker", "maker: and the name of a row of User"},
		"missing":           {"Item:\n  a: {price: 1}\n", "2:3: Item a has no name", "write it"},
		"null":              {"Item:\n  a: {name: null}\n", "2:13: name cannot be null", ""},
		"set by us":         {"Item:\n  a: {name: x, createdAt: 2026-01-01T00:00:00Z}\n", "2:16: Item.createdAt is set by the service", "remove"},
		"id":                {"Item:\n  a: {name: x, id: 1}\n", "2:16: Item.id is set by the service", "remove"},
		"number for text":   {"Item:\n  a: {name: 7}\n", `2:13: name has to be text, not the number "7"`, ""},
		"too long text":     {"Item:\n  a: {name: abcdefghijk}\n", "2:13: name is longer than maxLength 10", ""},
		"text for number":   {"Item:\n  a: {name: x, count: many}\n", "2:23: count has to be a whole number of 64 bits", ""},
		"fraction":          {"Item:\n  a: {name: x, count: 1.5}\n", "2:23: count has to be a whole number of 64 bits", ""},
		"digits":            {"Item:\n  a: {name: x, price: 1.234}\n", "2:23: price has more than 2 digits after the point", ""},
		"below":             {"Item:\n  a: {name: x, price: -1}\n", "2:23: price is less than min 0", ""},
		"boolean":           {"Item:\n  a: {name: x, sold: 1}\n", "2:22: sold has to be true or false", ""},
		"enum":              {"Item:\n  a: {name: x, kind: drnk}\n", `2:22: kind is not one of the values, did you mean "drink"?`, ""},
		"date":              {"Item:\n  a: {name: x, since: tomorrow}\n", "2:23: since is neither a day", ""},
		"now":               {"Item:\n  a: {name: x, since: now}\n", `2:23: since cannot be "now"`, ""},
		"address":           {"Item:\n  a: {name: x, link: /here}\n", "2:22: link is not an address", ""},
		"no such row":       {"Item:\n  a: {name: x, maker: ada}\n", `2:23: there is no row "ada" of User`, "no rows of User"},
		"row of another":    {"Item:\n  a: {name: x, maker: a}\n", `2:23: there is no row "a" of User`, ""},
		"list of rows":      {"Item:\n  a: {name: x, tags: [1]}\n", "2:23: tags has to be a list of names", ""},
		"tie to nobody":     {"Item:\n  a: {name: x, tags: [b]}\n", `2:23: there is no row "b" of Tag`, ""},
		"tie as text":       {"Item:\n  a: {name: x, tags: b}\n", "2:22: tags has to be a list of names", ""},
		"far end":           {"User:\n  u: {email: a@b.example, password: none, made: [a]}\nItem:\n  a: {name: x}\n", "2:43: User.made is the other end of Item.maker", "write maker in the rows of Item"},
		"same value":        {"User:\n  a: {email: a@b.example, password: none}\n  b: {email: a@b.example, password: none}\n", "3:3: a and b have the same email", "first on line 2"},
		"no password":       {"User:\n  a: {email: a@b.example}\n", "2:3: User a has no password", "generated, none, or {env:"},
		"password in file":  {"User:\n  a: {email: a@b.example, password: hunter2hunter2}\n", "2:37: a password does not stand in a file", "generated, none, or {env:"},
		"password, number":  {"User:\n  a: {email: a@b.example, password: 12345678}\n", "2:37: a password does not stand in a file", ""},
		"variable":          {"User:\n  a: {email: a@b.example, password: {env: my password}}\n", "2:43: env has to be the name of a variable", ""},
		"variable of ours":  {"User:\n  a: {email: a@b.example, password: {env: GATE_DEV}}\n", "2:43: env has to be the name of a variable", ""},
		"variable and more": {"User:\n  a: {email: a@b.example, password: {env: A, or: b}}\n", "2:37: a password does not stand in a file", ""},
		"unknown role":      {"User:\n  a: {email: a@b.example, password: none, roles: [chef]}\n", `2:50: roles names "chef", which is none of the roles: customer, cook`, ""},
		"roles as text":     {"User:\n  a: {email: a@b.example, password: none, roles: cook}\n", "2:50: roles has to be a list of roles", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := generate(t, tt.rows)
			errs, ok := errors.AsType[*design.Errors](err)
			if !ok || len(errs.Problems) != 1 {
				t.Fatalf("got %v", err)
			}
			if got := errs.Problems[0]; !strings.HasPrefix(got.String(), "shop/seed.yaml:"+tt.want) || !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("got  %v\nwant shop/seed.yaml:%s\nhint %s", got, tt.want, tt.hint)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "12345678") {
				t.Errorf("the password is said: %v", err)
			}
		})
	}
}

// TestRows sorts the rows so that each comes after those that it names, and leaves
// for later what leads in a circle.
func TestRows(t *testing.T) {
	files, err := generate(t, `
Item:
  soup: {name: Soup, price: +7.50, weight: 1.5e3, maker: ada, more: {a: [1, null, "x"]}, link: null}
User:
  ada: {email: ada@shop.example, password: {env: ADA_PASSWORD}, roles: [cook]}
  bob: {email: bob@shop.example, password: generated}
`)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := files.Get("app/seed_gen.json")
	want := `[
{"entity":"User","name":"ada","at":"seed.yaml:5:3","values":{"email":"ada@shop.example","roles":["cook"]},"password":{"field":"password","env":"ADA_PASSWORD"}},
{"entity":"Item","name":"soup","at":"seed.yaml:3:3","values":{"link":null,"more":{"a":[1,null,"x"]},"name":"Soup","price":7.50,"weight":1500},"keys":{"makerId":{"entity":"User","name":"ada"}}},
{"entity":"User","name":"bob","at":"seed.yaml:6:3","values":{"email":"bob@shop.example"},"password":{"field":"password","make":true}}
]
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	env, _ := files.Get(".env.example")
	if !strings.Contains(string(env), "ADA_PASSWORD=\n") || strings.Contains(string(env), "GATE_") {
		t.Errorf(".env.example:\n%s", env)
	}
}

// TestCircles: rows that lead to each other are made in an order in which each has
// what it cannot be without, wherever one begins.
func TestCircles(t *testing.T) {
	const tags = "Tag:\n  a: {name: a, twin: b, box: x}\n  b: {name: b, twin: a}\n  c: {name: c, twin: c, box: x}\n"
	const boxes = "Box:\n  x: {label: a}\n"
	for _, rows := range []string{tags + boxes, boxes + tags} {
		files, err := generate(t, rows)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Name            string
			Keys, LaterKeys map[string]struct{ Name string }
		}
		data, _ := files.Get("app/seed_gen.json")
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		there := map[string]bool{}
		for _, row := range list {
			for key, to := range row.Keys {
				if !there[to.Name] {
					t.Errorf("%s names %s as its %s before that is there:\n%s", row.Name, to.Name, key, data)
				}
			}
			if _, late := row.LaterKeys["labelId"]; late {
				t.Errorf("%s is made without what it requires:\n%s", row.Name, data)
			}
			there[row.Name] = true
		}
		if len(list) != 4 {
			t.Errorf("%d rows", len(list))
		}
	}
}

// TestNoRows: the file is the user's, and a service without one has none.
func TestNoRows(t *testing.T) {
	for _, rows := range []string{"", "# nothing yet\n", "Item:\n", "Item: {}\n"} {
		files, err := generate(t, rows)
		if err != nil {
			t.Fatalf("%q: %v", rows, err)
		}
		if got, _ := files.Get("app/seed_gen.json"); strings.TrimSpace(string(got)) != "[\n]" {
			t.Errorf("%q: %s", rows, got)
		}
	}
	d, err := design.Parse("gate.yaml", []byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	example, ok := files.Get("seed.yaml")
	if !ok {
		t.Fatal("no seed.yaml to begin with")
	}
	if _, err := generate(t, string(example)); err != nil {
		t.Errorf("what gate writes itself: %v", err)
	}
	if _, err := generate(t, strings.NewReplacer("# Item", "Item", "#   ", "  ").Replace(string(example))); err != nil {
		t.Errorf("the example in it: %v\n%s", err, example)
	}
}

// TestRenamed: rows stand under the name of now of their entity, and nothing else in
// the file is another.
func TestRenamed(t *testing.T) {
	before, err := generate(t, "")
	if err != nil {
		t.Fatal(err)
	}
	lock, _ := before.Get("gate.lock")
	d, err := design.Parse("shop/gate.yaml", []byte(strings.NewReplacer("  Item:\n", "  Dish:\n    renamedFrom: Item\n", "  Box:\n", "  Crate:\n    renamedFrom: Box\n", "to: Box", "to: Crate").Replace(shop)))
	if err != nil {
		t.Fatal(err)
	}
	for rows, want := range map[string]string{
		"# Über Item\nItem: # Item\n  Item: {name: Item}\n\"Box\":\n": "# Über Item\nDish: # Item\n  Item: {name: Item}\n\"Crate\":\n",
		"{Tag: {ü: {name: Item}}, Box: {}, Item: {Box: {name: x}}}":   "",
		"{Tag: {u: {name: Item}}, Box: {}, Item: {Box: {name: x}}}":   "{Tag: {u: {name: Item}}, Crate: {}, Dish: {Box: {name: x}}}",
		"Tag:\n": "Tag:\n",
	} {
		state := gen.State{Lock: lock, Inputs: map[string][]byte{"seed.yaml": []byte(rows)}}
		files, err := gen.Generate(d, gen.Options{Replace: "/gate", State: state}, standard.Plugins()...)
		if want == "" {
			if _, ok := errors.AsType[*design.Errors](err); !ok {
				t.Errorf("%s: %v", rows, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", rows, err)
			continue
		}
		if got, _ := files.Get("app/seed_gen.json"); strings.Contains(rows, "Item: #") && !strings.Contains(string(got), `{"entity":"Dish","was":"Item","name":"Item"`) {
			t.Errorf("the name of before is lost: %s", got)
		}
		i := slices.IndexFunc(files, func(f gen.File) bool { return f.Path == "seed.yaml" })
		if changes := files[i].Owner == gen.Merged; changes != (rows != want) || changes && string(files[i].Data) != want {
			t.Errorf("%s became %s of %s", rows, files[i].Data, files[i].Owner)
		}
	}
}

// TestRenamed_fields: fields, relations and values follow their names, too; comments
// and all else in the file stay, and what looks like a name and is none.
func TestRenamed_fields(t *testing.T) {
	before, err := generate(t, "")
	if err != nil {
		t.Fatal(err)
	}
	lock, _ := before.Get("gate.lock")
	d, err := design.Parse("shop/gate.yaml", []byte(strings.NewReplacer(
		"  Item:\n", "  Dish:\n    renamedFrom: Item\n",
		"name: {type: text, required: true, maxLength: 10}", "title: {type: text, required: true, maxLength: 10, renamedFrom: name}",
		"kind: {type: enum, values: [dish, drink], default: dish}", "sort: {type: enum, values: [{name: meal, renamedFrom: dish}, drink], default: meal, renamedFrom: kind}",
		"tags: {type: relation, to: Tag, many: true, inverse: items}", "labels: {type: relation, to: Tag, many: true, inverse: items, renamedFrom: tags}",
		"maker: {type: relation, to: User, inverse: made}", "cook: {type: relation, to: User, inverse: made, renamedFrom: maker}",
	).Replace(shop)))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ rows, want, wrong string }{
		{
			rows: "# name\nItem:\n  name: # the name\n    \"name\": name # as name\n    kind:  'dish'   # dish\n    tags: [kind]\n    more: {name: kind}\nTag:\n  kind: {name: dish}\n",
			want: "# name\nDish:\n  name: # the name\n    \"title\": name # as name\n    sort:  'meal'   # dish\n    labels: [kind]\n    more: {name: kind}\nTag:\n  kind: {name: dish}\n",
		},
		{
			rows: "User: {u: {email: u@x.example, password: none}}\nItem: {a: {name: ü, kind: dish, maker: u}, b: {kind: drink, name: b}}\n",
			want: "User: {u: {email: u@x.example, password: none}}\nDish: {a: {title: ü, sort: meal, cook: u}, b: {sort: drink, title: b}}\n",
		},
		{rows: "Dish:\n  a: {title: a, sort: meal}\n", want: "Dish:\n  a: {title: a, sort: meal}\n"},
		{rows: "Dish:\r\n  a: {title: a, kind: dish}\r\n", want: "Dish:\r\n  a: {title: a, sort: meal}\r\n"},
		{rows: "Item:\n  a: {name: a, \"\\x6bind\": drink, more: kind}\n", wrong: `2:16: unknown field "kind" of Dish`},
		{rows: "Item:\n  a: {name: a, kind: \"\\x64ish\", more: dish}\n", wrong: `2:22: sort is not one of the values`},
		{rows: "Item:\n  a: {name: a, title: b}\n", wrong: `2:7: unknown field "name" of Dish`},
	} {
		state := gen.State{Lock: lock, Inputs: map[string][]byte{"seed.yaml": []byte(tt.rows)}}
		files, err := gen.Generate(d, gen.Options{Replace: "/gate", State: state}, standard.Plugins()...)
		if tt.wrong != "" {
			if errs, ok := errors.AsType[*design.Errors](err); !ok || !strings.Contains(err.Error(), "shop/seed.yaml:"+tt.wrong) || len(errs.Problems) != 1 {
				t.Errorf("%s: %v", tt.rows, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.rows, err)
			continue
		}
		i := slices.IndexFunc(files, func(f gen.File) bool { return f.Path == "seed.yaml" })
		if changes := files[i].Owner == gen.Merged; changes != (tt.rows != tt.want) || changes && string(files[i].Data) != tt.want {
			t.Errorf("%s became %s of %s", tt.rows, files[i].Data, files[i].Owner)
		}
	}
}
