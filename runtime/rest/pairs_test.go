package rest_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

type Label struct {
	ID    int64
	Name  string
	Owner *string
}

func (r *Label) pointer(f model.FieldID) any { return []any{&r.ID, &r.Name, &r.Owner}[f] }

type Plate struct {
	ID      int64
	Name    string
	Owner   *string
	Version int64
}

func (r *Plate) pointer(f model.FieldID) any { return []any{&r.ID, &r.Name, &r.Owner, &r.Version}[f] }

// plates are tied to labels by pairs. Everybody sees plates, and their owners change
// them; of labels everybody sees but their own.
func newPlates(t *testing.T, db *store.DB) *notes {
	t.Helper()
	key := map[store.Dialect]string{store.SQLite: "TEXT", store.Postgres: "uuid"}[db.Dialect()]
	for _, stmt := range []string{
		`CREATE TABLE users (id ` + key + ` PRIMARY KEY)`,
		`CREATE TABLE labels (id bigint PRIMARY KEY, name text NOT NULL, owner_id ` + key + `)`,
		`CREATE TABLE plates (id bigint PRIMARY KEY, name text NOT NULL, owner_id ` + key + `, version bigint NOT NULL)`,
		`CREATE TABLE plate_labels (plate_id bigint NOT NULL REFERENCES plates (id), label_id bigint NOT NULL REFERENCES labels (id), PRIMARY KEY (plate_id, label_id))`,
		`INSERT INTO labels VALUES (1, 'hot', '` + ann + `'), (2, 'cold', '` + ann + `'), (3, 'secret', '` + bob + `')`,
		`INSERT INTO plates VALUES (1, 'soup', '` + ann + `', 1), (2, 'tea', '` + bob + `', 1)`,
	} {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
	policy, err := authz.NewPolicy([]authz.Role{{Name: "editor"}})
	if err != nil {
		t.Fatal(err)
	}
	id := model.Field{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true}
	name := model.Field{Name: "name", Column: "name", Type: model.Text, Required: true, MaxLength: 20}
	owner := model.Field{Name: "ownerId", Column: "owner_id", Type: model.Relation, To: "User"}
	labels, err := crud.New(db, policy, &model.Entity{
		Name: "Label", Plural: "Labels", Path: "labels", Table: "labels", Owner: "ownerId", Fields: []model.Field{id, name, owner},
		Allow: model.Allow{View: []string{"owner"}, List: []string{"owner"}},
		Links: []model.Link{{Name: "onPlates", To: "Plate", Many: true, Through: &model.Join{Table: "plate_labels", Near: "label_id", Far: "plate_id"}}},
	}, (*Label).pointer)
	if err != nil {
		t.Fatal(err)
	}
	plates, err := crud.New(db, policy, &model.Entity{
		Name: "Plate", Plural: "Plates", Path: "plates", Table: "plates", Owner: "ownerId", Version: "version",
		Fields: []model.Field{id, name, owner, {Name: "version", Column: "version", Type: model.Integer, Required: true, ReadOnly: true, Default: int64(1)}},
		Allow:  model.Allow{View: []string{"public"}, List: []string{"public"}, Update: []string{"owner"}},
		Links:  []model.Link{{Name: "labels", To: "Label", Many: true, Through: &model.Join{Table: "plate_labels", Near: "plate_id", Far: "label_id"}}},
	}, (*Plate).pointer)
	if err != nil {
		t.Fatal(err)
	}
	users, err := crud.New(db, policy, &model.Entity{
		Name: "User", Plural: "Users", Path: "users", Table: "users",
		Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID, Required: true}},
	}, (*User).pointer)
	if err != nil {
		t.Fatal(err)
	}
	if err := crud.Link(users, labels, plates); err != nil {
		t.Fatal(err)
	}
	n := &notes{t: t, db: db, mux: http.NewServeMux()}
	api := rest.API{Policy: policy, Protect: who, Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}}
	for _, e := range []crud.Service{labels, plates} {
		for _, route := range api.Routes(e) {
			n.mux.Handle(route.Method+" "+route.Path, route.Handler)
		}
	}
	return n
}

// pairs lists which labels are on which plates.
func (n *notes) pairs() string {
	n.t.Helper()
	rows, err := n.db.Write().QueryContext(n.t.Context(), "SELECT CAST(plate_id AS text) || '-' || CAST(label_id AS text) FROM plate_labels ORDER BY 1")
	if err != nil {
		n.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var pair string
		if err := rows.Scan(&pair); err != nil {
			n.t.Fatal(err)
		}
		out = append(out, pair)
	}
	if err := rows.Err(); err != nil {
		n.t.Fatal(err)
	}
	return strings.Join(out, " ")
}

// TestPairs: the routes of pairs change them by the rules of a change of the row: who
// may not change it, or not see the other one, changes nothing, and learns no more
// than from a row that does not exist.
func TestPairs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newPlates(t, db)
		const one = "/api/plates/1/labels"
		many := "[" + strings.TrimSuffix(strings.Repeat(`{"id":1},`, crud.MaxNested+1), ",") + "]"
		for _, tt := range []struct {
			name, who, method, path, body string
			want                          int
			says, pairs                   string
		}{
			{"nobody", noOne, "POST", one, `{"id":1}`, 401, "", ""},
			{"nobody, malformed", noOne, "POST", one, `{`, 401, "", ""},
			{"somebody else's plate", bob, "POST", one, `{"id":3}`, 403, "", ""},
			{"a plate that does not exist", ann, "POST", "/api/plates/9/labels", `{"id":1}`, 404, "", ""},
			{"a label out of sight", ann, "POST", one, `{"id":3}`, 400, `"labels.connect[0]"`, ""},
			{"a label that does not exist", ann, "POST", one, `{"id":9}`, 400, `"labels.connect[0]"`, ""},
			{"one in sight and one that is not", ann, "POST", one, `[{"id":1},{"id":3}]`, 400, `"labels.connect[1]"`, ""},
			{"the far end, whose rows nobody may change", ann, "POST", "/api/labels/1/on-plates", `{"id":1}`, 403, "", ""},
			{"too many", ann, "POST", one, many, 400, "limit", ""},
			{"no JSON", ann, "POST", one, `{`, 400, "not JSON", ""},
			{"two values", ann, "POST", one, `{"id":1} {"id":2}`, 400, "not JSON", ""},
			{"out of the list", ann, "POST", one, `[{"id":1}]},"name":"x","labels":{"connect":[]`, 400, "not JSON", ""},
			{"no body", ann, "POST", one, ``, 415, "", ""},
			{"more than an id", ann, "POST", one, `{"id":1,"name":"x"}`, 400, "labels.connect[0]", ""},
			{"an id", ann, "POST", one, `1`, 400, "labels.connect[0]", ""},
			{"null", ann, "POST", one, `null`, 400, "labels.connect[0]", ""},
			{"an empty list", ann, "POST", one, `[]`, 200, `"id":1`, ""},
			{"one", ann, "POST", one + "?$select=name", `{"id":1}`, 200, `{"id":1,"name":"soup"}`, "1-1"},
			{"again", ann, "POST", one, `{"id":1}`, 200, "", "1-1"},
			{"a list", ann, "POST", one, `[{"id":1},{"id":2}]`, 200, "", "1-1 1-2"},
			{"of another relation's name", ann, "POST", one + "?$nonsense=1", `{"id":1}`, 400, "", "1-1 1-2"},

			{"to untie as nobody", noOne, "DELETE", one + "/1", "", 401, "", "1-1 1-2"},
			{"to untie as somebody else", bob, "DELETE", one + "/1", "", 403, "", "1-1 1-2"},
			{"to untie what is out of sight", ann, "DELETE", one + "/3", "", 404, "There is no such row of labels", "1-1 1-2"},
			{"to untie what does not exist", ann, "DELETE", one + "/9", "", 404, "There is no such row of labels", "1-1 1-2"},
			{"to untie no id", ann, "DELETE", one + `/1"%7D`, "", 404, "There is no such row of labels", "1-1 1-2"},
			{"to untie from a plate that does not exist", ann, "DELETE", "/api/plates/9/labels/1", "", 404, "", "1-1 1-2"},
			{"to untie at the far end", ann, "DELETE", "/api/labels/1/on-plates/1", "", 403, "", "1-1 1-2"},
			{"malformed", ann, "DELETE", one + "/1?$nonsense=1", "", 400, "", "1-1 1-2"},
			{"all", ann, "DELETE", one, "", 405, "", "1-1 1-2"},
			{"untied", ann, "DELETE", one + "/1?$select=name", "", 200, `{"id":1,"name":"soup"}`, "1-2"},
			{"untied again", ann, "DELETE", one + "/1", "", 200, "", "1-2"},
		} {
			w := n.do(tt.who, tt.method, tt.path, tt.body)
			if w.Code != tt.want || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.want, tt.says)
			}
			if got := n.pairs(); got != tt.pairs {
				t.Fatalf("%s: %s, want %s", tt.name, got, tt.pairs)
			}
		}
		if w := n.do(ann, "POST", one, `{"id":1}`, "If-Match", `"v99"`); w.Code != http.StatusPreconditionFailed || n.pairs() != "1-2" {
			t.Errorf("another version: %d, %s", w.Code, n.pairs())
		}
		if w := n.do(ann, "DELETE", one+"/2", "", "If-Match", `"v99"`); w.Code != http.StatusPreconditionFailed || n.pairs() != "1-2" {
			t.Errorf("untie another version: %d, %s", w.Code, n.pairs())
		}
	})
}
