package design_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gate/design"
)

func parse(t *testing.T, src string) *design.Design {
	t.Helper()
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func everything(t *testing.T) *design.Design {
	t.Helper()
	d, err := design.Load("testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func field(t *testing.T, d *design.Design, entity, name string) *design.Field {
	t.Helper()
	e := d.Entity(entity)
	if e == nil || e.Field(name) == nil {
		t.Fatalf("no field %s.%s", entity, name)
	}
	return e.Field(name)
}

func rules(list []design.Rule) string {
	words := make([]string, len(list))
	for i, r := range list {
		words[i] = r.String()
	}
	return strings.Join(words, " ")
}

func TestFields(t *testing.T) {
	d := everything(t)
	for _, want := range []design.Field{
		{Name: "id", Key: "id", Column: "id", GoName: "ID", GoKey: "ID", Type: design.ID, ID: design.ULID, Required: true, Unique: true, ReadOnly: true},
		{Name: "name", Key: "name", Column: "name", GoName: "Name", GoKey: "Name", Type: design.Text, Required: true, Searchable: true, MaxLength: 100, Description: "What it is called."},
		{Name: "notes", Key: "notes", Column: "notes", GoName: "Notes", GoKey: "Notes", Type: design.LongText, MaxLength: 100_000},
		{Name: "contact", Key: "contact", Column: "contact", GoName: "Contact", GoKey: "Contact", Type: design.Email, MaxLength: 254},
		{Name: "homepageUrl", Key: "homepageUrl", Column: "homepage_url", GoName: "HomepageURL", GoKey: "HomepageURL", Type: design.URL, MaxLength: 2000, Default: "https://example.com/"},
		{Name: "count", Key: "count", Column: "count", GoName: "Count", GoKey: "Count", Type: design.Int, Min: "-5", Max: "9007199254740993", Default: int64(0)},
		{Name: "price", Key: "price", Column: "price", GoName: "Price", GoKey: "Price", Type: design.Decimal, Precision: 10, Scale: 2, Min: "0", Max: "99999999.99", Default: "9.50"},
		{Name: "weight", Key: "weight", Column: "weight", GoName: "Weight", GoKey: "Weight", Type: design.Float, Min: "0.5", Max: "1000", Default: 1.0},
		{Name: "done", Key: "done", Column: "done", GoName: "Done", GoKey: "Done", Type: design.Boolean, Required: true, Default: false},
		{
			Name: "state", Key: "state", Column: "state", GoName: "State", GoKey: "State", Type: design.Enum, Default: "in-progress",
			Values: []design.Value{{Name: "open", GoName: "Open"}, {Name: "in-progress", GoName: "InProgress", Label: "In progress"}, {Name: "done", GoName: "Done"}},
		},
		{
			Name: "days", Key: "days", Column: "days", GoName: "Days", GoKey: "Days", Type: design.MultiEnum, Required: true, Default: []string{"tue", "mon"},
			Values: []design.Value{{Name: "mon", GoName: "Mon"}, {Name: "tue", GoName: "Tue", Label: "Tuesday"}},
		},
		{Name: "place", Key: "place", Column: "place", GoName: "Place", GoKey: "Place", Type: design.Geo},
		{
			Name: "manual", Key: "manual", Column: "manual", GoName: "Manual", GoKey: "Manual", Type: design.File, Segment: "manual", MaxSize: 20 << 20,
			FileTypes: []string{"application/pdf", "image/*"}, Description: "How it is used.",
		},
		{Name: "photo", Key: "photo", Column: "photo", GoName: "Photo", GoKey: "Photo", Type: design.File, Segment: "photo", MaxSize: 5 << 20},
		{Name: "code", Key: "code", Column: "code", GoName: "Code", GoKey: "Code", Type: design.Text, CaseInsensitive: true, MaxLength: 1000, Pattern: "[A-Z]{2}-[0-9]{4}", Default: "AB-1234"},
		{Name: "opened", Key: "opened", Column: "opened", GoName: "Opened", GoKey: "Opened", Type: design.Date, Min: "2000-01-01", Max: "2030-12-31", Default: "2020-02-29"},
		{Name: "closed", Key: "closed", Column: "closed", GoName: "Closed", GoKey: "Closed", Type: design.DateTime, Min: "1999-12-31T23:00:00Z"},
		{Name: "due", Key: "due", Column: "due", GoName: "Due", GoKey: "Due", Type: design.Date, Default: "now"},
		{Name: "seenAt", Key: "seenAt", Column: "seen_at", GoName: "SeenAt", GoKey: "SeenAt", Type: design.DateTime, Default: "2025-01-02T03:04:05Z"},
		{Name: "extra", Key: "extra", Column: "extra", GoName: "Extra", GoKey: "Extra", Type: design.JSON},
		{
			Name: "madeBy", Key: "madeById", Column: "maker", GoName: "MadeBy", GoKey: "MadeByID", Type: design.ToOne, Required: true,
			Relation: &design.Relation{To: "Account", OnDelete: design.Cascade},
		},
		{
			Name: "category", Key: "categoryId", Column: "category_id", GoName: "Category", GoKey: "CategoryID", Type: design.ToOne,
			Relation: &design.Relation{To: "Category", OnDelete: design.Restrict},
		},
		{Name: "created", Key: "created", Column: "created", GoName: "Created", GoKey: "Created", Type: design.CreatedAt, Required: true, ReadOnly: true},
		{Name: "updatedAt", Key: "updatedAt", Column: "updated_at", GoName: "UpdatedAt", GoKey: "UpdatedAt", Type: design.UpdatedAt, Required: true, ReadOnly: true, Added: true},
	} {
		t.Run(want.Name, func(t *testing.T) {
			got := field(t, d, "Thing", want.Name)
			if got.Relation != nil && got.Relation.Entity != d.Entity(want.Relation.To) {
				t.Errorf("relation leads to %v", got.Relation.Entity)
			}
			diff := cmp.Diff(&want, got,
				cmpopts.IgnoreTypes(design.Position{}, design.FieldAccess{}), cmpopts.IgnoreFields(design.Relation{}, "Entity"))
			if diff != "" {
				t.Errorf("field (-want +got):\n%s", diff)
			}
		})
	}
	if n := len(d.Entity("Thing").Fields); n != 27 {
		t.Errorf("%d fields, want 27", n)
	}
}

func TestEntities(t *testing.T) {
	d := everything(t)
	var got []string
	for _, e := range d.Entities {
		owner := "-"
		if e.Owner != nil {
			owner = e.Owner.Name
		}
		a := e.Allow
		got = append(got, fmt.Sprintf("%s %s /%s %s owner=%s view=[%s] list=[%s] create=[%s] update=[%s] delete=[%s] id=%s",
			e.Name, e.Plural, e.Route, e.Table, owner, rules(a.View), rules(a.List), rules(a.Create), rules(a.Update), rules(a.Delete), e.IDField().ID))
	}
	want := []string{
		"Category Categories /kinds kinds owner=- view=[public] list=[public] create=[] update=[] delete=[] id=uuid",
		"Thing Things /things things owner=madeBy view=[owner editor] list=[signed-in] create=[create:things] update=[owner update:things] delete=[] id=ulid",
		"Account Accounts /accounts accounts owner=id view=[owner] list=[editor] create=[public] update=[owner] delete=[] id=uuid",
		"Note Notes /notes notes owner=- view=[public] list=[public] create=[] update=[] delete=[] id=uuid",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
}

// TestAmplication: the routes of that grammar, by itself and as they are written.
func TestAmplication(t *testing.T) {
	d, err := design.Parse("gate.yaml", []byte(`gate: 1
service: {name: shop, module: example.com/shop, rest: amplication}
entities:
  OrderItem: {}
  URLList: {}
  Box: {route: storage-boxes}
  Crate: {route: bigCrates}
actions:
  sendNow: {row: OrderItem}
  sendAll: {path: orderItemsInAll/send}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range d.Entities {
		got = append(got, e.Route)
	}
	for _, a := range d.Actions {
		got = append(got, a.Path)
	}
	want := []string{"orderItems", "urlLists", "storage-boxes", "bigCrates", "/orderItems/{id}/send-now", "/orderItemsInAll/send"}
	if diff := cmp.Diff(want, got); diff != "" || d.Service.Grammar != design.Amplication {
		t.Errorf("%s (-want +got):\n%s", d.Service.Grammar, diff)
	}
}

func TestServiceRolesAndPlugins(t *testing.T) {
	d := everything(t)
	want := design.Service{
		Name: "everything", Module: "example.com/everything/v2", Database: design.Postgres,
		Description: "One of everything.", Port: 8080, APIs: []string{"rest"}, Persisted: design.PersistedLearned, Grammar: design.Feathers,
	}
	if diff := cmp.Diff(want, d.Service, cmpopts.IgnoreTypes(design.Position{})); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	if got := d.Role("editor").Permissions; !cmp.Equal(got, []string{"create:things", "update:things"}) || d.Role("editor").Default {
		t.Errorf("editor %+v", d.Role("editor"))
	}
	if !d.Role("member").Default || len(d.Role("guest").Permissions) != 0 || d.Role("nobody") != nil {
		t.Error("roles are not as written")
	}
	var got []string
	for _, p := range d.Plugins {
		got = append(got, fmt.Sprint(p.Name, " ", p.Enabled, " ", len(p.Settings.Children)))
	}
	if diff := cmp.Diff([]string{"auth-core true 1", "auth-jwt true 2", "auth-basic false 1", "other true 0"}, got); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	jwt := d.Plugin("auth-jwt").Setting("expiresIn")
	if jwt.Value != "15m" || jwt.Pos.Line != 22 || jwt.Pos.Column != 32 || jwt.ValuePos.Column != 43 || jwt.Path != "plugins.auth-jwt.expiresIn" {
		t.Errorf("setting %+v", jwt)
	}
	defaults := parse(t, header)
	if s := defaults.Service; s.Database != design.SQLite || s.Port != 3000 || !cmp.Equal(s.APIs, []string{"rest"}) {
		t.Errorf("defaults %+v", s)
	}
}

func TestIndexes(t *testing.T) {
	e := everything(t).Entity("Thing")
	list := func(indexes []*design.Index) (out []string) {
		for _, x := range indexes {
			text := ""
			for _, f := range x.Fields {
				text += " " + f.Name
			}
			out = append(out, strings.TrimSpace(text))
		}
		return out
	}
	if diff := cmp.Diff([]string{"madeBy name"}, list(e.Unique)); diff != "" {
		t.Errorf("unique (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"due", "category price"}, list(e.Indexes)); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
}

func TestFieldRules(t *testing.T) {
	d := everything(t)
	for _, tt := range []struct{ entity, field, view, create, update string }{
		{"Thing", "notes", "owner", "editor", "nobody"},
		{"Thing", "name", "", "", ""},
		{"Thing", "id", "", "nobody", "nobody"},
		{"Account", "password", "nobody", "", ""},
		{"Account", "roles", "", "nobody", "nobody"}, // unless a rule says who
		{"Account", "createdAt", "", "nobody", "nobody"},
	} {
		a := field(t, d, tt.entity, tt.field).Access
		if got := [3]string{rules(a.View), rules(a.Create), rules(a.Update)}; got != [3]string{tt.view, tt.create, tt.update} {
			t.Errorf("%s.%s: got %q, want %q", tt.entity, tt.field, got, tt)
		}
		for _, action := range []string{"view", "create", "update"} {
			if got := rules(a.Rules(action)); !strings.Contains(tt.view+tt.create+tt.update, got) {
				t.Errorf("%s.%s: %s is %q", tt.entity, tt.field, action, got)
			}
		}
	}
}

// TestWithoutAuthentication keeps the file and closes what accounts were for.
func TestWithoutAuthentication(t *testing.T) {
	src := header + `roles: {staff: {permissions: ["create:items"]}}
plugins: {auth-core: {entity: User, enabled: false}}
entities:
  Item:
    fields: {name: text, by: {type: relation, to: User}}
    owner: by
    allow: {view: public, create: ["create:items"], update: owner}
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {view: staff, create: public}
    fieldRules: {roles: {update: staff}}
`
	d := parse(t, src)
	if d.Authentication() {
		t.Error("authentication is on")
	}
	var got []string
	for _, w := range d.Warnings() {
		got = append(got, w.String())
	}
	want := []string{
		"gate.yaml:9:36: warning: nobody may create Items: the rule \"create:items\" needs authentication, which is off [needs-authentication]\n    turn auth-core on, write public, or see insecureOpenToEveryone",
		"gate.yaml:9:61: warning: nobody may update Items: the rule \"owner\" needs authentication, which is off [needs-authentication]\n    turn auth-core on, write public, or see insecureOpenToEveryone",
		"gate.yaml:12:19: warning: nobody may view Users: the rule \"staff\" needs authentication, which is off [needs-authentication]\n    turn auth-core on, write public, or see insecureOpenToEveryone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	for _, name := range []string{"password", "roles"} {
		if a := field(t, d, "User", name).Access; rules(a.Create) != "nobody" || rules(a.Update) != "nobody" {
			t.Errorf("%s can be written: %+v", name, a)
		}
	}
	open := parse(t, strings.Replace(src, "shop}", "shop, insecureOpenToEveryone: true}", 1))
	if w := open.Warnings(); len(w) != 1 || !open.Service.InsecureOpenToEveryone || !strings.Contains(w[0].Message, "every action is open to everybody") {
		t.Errorf("warnings %v", w)
	}
	if a := field(t, open, "User", "roles").Access; rules(a.Update) != "nobody" {
		t.Errorf("roles can be written by everybody: %+v", a)
	}
}

func TestWarnings(t *testing.T) {
	const accounts = "{email: {type: email, required: true, unique: true}, password: password, roles: roles}"
	for _, tt := range []struct{ name, entities, want string }{
		{"sign-up is no danger", "User: {fields: " + accounts + ", allow: {create: public}}", ""},
		{"accounts for all to see", "User: {fields: " + accounts + ", allow: {list: public}}", "6:120: warning: everybody on the network may list Users, the accounts [public-accounts]"},
		{"open delete", "Item: {allow: {delete: public}}", "6:26: warning: everybody on the network may delete Items [public-writes]"},
		{"public and more", "Item: {allow: {view: [public, signed-in]}}", "6:25: warning: public lets everybody in: the rules beside it add nothing [needless-rule]"},
		{
			"customers beside staff", "Customer: {fields: " + accounts + ", allow: {create: public}}\n  User: {fields: " + accounts + ", allow: {view: signed-in}}",
			"7:120: warning: everybody who logs in as a row of Customer may view Users, as one who is signed in [signed-in-strangers]",
		},
		{
			"customers whom staff makes", "Customer: {fields: " + accounts + ", allow: {view: staff}}\n  User: {fields: " + accounts + ", allow: {view: signed-in}}",
			"7:120: warning: everybody who logs in as a row of Customer may view Users, as one who is signed in [signed-in-strangers]",
		},
		{
			"customers beside a field", "Customer: {fields: " + accounts + ", allow: {create: public}}\n  User: {fields: " + accounts + ", allow: {view: staff}, fieldRules: {email: {view: [staff, signed-in]}}}",
			"7:163: warning: everybody who logs in as a row of Customer may view email of Users, as one who is signed in [signed-in-strangers]",
		},
		{
			"customers beside an action", "Customer: {fields: " + accounts + ", allow: {create: public}}\n  User: {fields: " + accounts + ", allow: {view: staff}}\nactions:\n  closeShop: {allow: signed-in}",
			"9:22: warning: everybody who logs in as a row of Customer may call closeShop, as one who is signed in [signed-in-strangers]",
		},
		{"customers beside whom signs up", "Customer: {fields: " + accounts + ", allow: {create: public}}\n  User: {fields: " + accounts + ", allow: {create: public, view: signed-in}}", ""},
		{"nothing allowed", "Item: {allow: {view: nobody}}", "6:3: warning: nobody may do anything with Item [nobody-may]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := header + "roles: {staff: {}}\nplugins: {auth-core: {entity: User, also: [Customer]}}\nentities:\n  " + tt.entities + "\n"
			var got []string
			for _, w := range parse(t, src).Warnings() {
				got = append(got, strings.TrimPrefix(strings.SplitN(w.String(), "\n", 2)[0], "gate.yaml:"))
			}
			if s := strings.Join(got, "|"); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func TestAuthEntity(t *testing.T) {
	at := design.Position{File: "gate.yaml", Line: 3, Column: 30}
	for _, tt := range []struct{ name, fields, ask, want string }{
		{"complete", "email: {type: email, required: true, unique: true}, password: password, roles: roles", "User", ""},
		{"username", "email: email, login: username, password: password, roles: roles", "User", ""},
		{"unknown", "email: email", "Usr", `gate.yaml:3:30: unknown entity "Usr", did you mean "User"?`},
		{"nothing to sign in with", "email: email, password: password, roles: roles", "User", "gate.yaml:4:3: User holds the accounts and has nothing to sign in with"},
		{"no password", "login: username, roles: roles", "User", "gate.yaml:4:3: User holds the accounts and has no password"},
		{"no roles", "login: username, password: password", "User", "gate.yaml:4:3: User holds the accounts and has no roles"},
		{"password may be missing", "login: username, password: {type: password, required: false}, roles: roles", "User", "the password of an account has to be required"},
		{"a word of the log-in", "strategy: username, password: password, roles: roles", "User", `"strategy" is a word of the log-in itself`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, header+"entities:\n  User: {fields: {"+tt.fields+"}, allow: {create: public}}\n")
			a, err := d.AuthEntity(tt.ask, at)
			if tt.want == "" {
				if err != nil || a.Identity == nil || a.Password == nil || a.Roles == nil || a.Name != "User" {
					t.Fatalf("got %+v, %v", a, err)
				}
				return
			}
			if a != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want %q", a, err, tt.want)
			}
		})
	}
}

// TestNames follows names through all their spellings.
func TestNames(t *testing.T) {
	for _, tt := range []struct{ name, plural, route, table string }{
		{"Item", "Items", "items", "items"},
		{"OrderItem", "OrderItems", "order-items", "order_items"},
		{"Category", "Categories", "categories", "categories"},
		{"Day", "Days", "days", "days"},
		{"Box", "Boxes", "boxes", "boxes"},
		{"Address", "Addresses", "addresses", "addresses"},
		{"Dish", "Dishes", "dishes", "dishes"},
		{"Person", "People", "people", "people"},
		{"GrandChild", "GrandChildren", "grand-children", "grand_children"},
		{"Knife", "Knives", "knives", "knives"},
		{"Shelf", "Shelves", "shelves", "shelves"},
		{"Belief", "Beliefs", "beliefs", "beliefs"},
		{"Analysis", "Analyses", "analyses", "analyses"},
		{"Photo", "Photos", "photos", "photos"},
		{"HTTPRequest", "HTTPRequests", "http-requests", "http_requests"},
		{"Level2", "Level2s", "level2s", "level2s"},
	} {
		e := parse(t, header+"entities: {"+tt.name+": {allow: {view: public}}}\n").Entities[0]
		if e.Plural != tt.plural || e.Route != tt.route || e.Table != tt.table {
			t.Errorf("%s: got %s %s %s, want %s %s %s", tt.name, e.Plural, e.Route, e.Table, tt.plural, tt.route, tt.table)
		}
	}
	for name, want := range map[string]string{
		"a": "A", "userId": "UserID", "htmlUrl": "HTMLURL", "apiKeyId": "APIKeyID", "line1": "Line1", "aBC": "ABC", "ideas": "Ideas",
	} {
		d := parse(t, header+"entities: {Item: {fields: {"+name+": text}, allow: {view: public}}}\n")
		if got := field(t, d, "Item", name).GoName; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestProblemString(t *testing.T) {
	var errs design.Errors
	if errs.Err() != nil {
		t.Error("no problem is an error")
	}
	errs.Add(design.Position{File: "gate.yaml", Line: 2, Column: 3}, "a.b", "second", "do this")
	errs.Add(design.Position{File: "gate.yaml", Line: 1, Column: 9}, "a", "first", "")
	errs.Join(nil)
	errs.Join(fmt.Errorf("wrapped: %w", errs.Err()))
	errs.Join(fmt.Errorf("elsewhere"))
	want := "elsewhere\ngate.yaml:1:9: first\ngate.yaml:2:3: second\n    do this"
	if got := errs.Err().Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
