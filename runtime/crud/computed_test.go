package crud_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// Human has a name that is made of two, of which one is not for everybody, and
// fields that only the service writes.
type Human struct {
	ID     string
	First  string
	Last   *string
	Full   string
	Secret *string
	Slug   string
	Rank   int64
	BossID *string
}

const (
	HumanID model.FieldID = iota
	HumanFirst
	HumanLast
	HumanFull
	HumanSecret
	HumanSlug
	HumanRank
	HumanBoss
)

func (r *Human) pointer(f model.FieldID) any {
	return []any{&r.ID, &r.First, &r.Last, &r.Full, &r.Secret, &r.Slug, &r.Rank, &r.BossID}[f]
}

func humanEntity() *model.Entity {
	public := []string{"public"}
	return &model.Entity{
		Name: "Human", Plural: "Humans", Path: "humans", Table: "humans",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.CUID2, Required: true},
			{Name: "first", Column: "first", Type: model.Text, Required: true},
			{Name: "last", Column: "last", Type: model.Text, View: []string{"chief"}},
			{Name: "full", Type: model.Text, Required: true, Computed: []string{"first", "last"}},
			{Name: "secret", Type: model.Text, Computed: []string{"first"}, View: []string{"chief"}},
			{Name: "slug", Column: "slug", Type: model.Text, Required: true, MaxLength: 5, ReadOnly: true},
			{Name: "rank", Column: "rank", Type: model.Integer, Required: true, ReadOnly: true, Default: int64(1), Max: "9"},
			{Name: "bossId", Column: "boss_id", Type: model.Relation, ID: model.CUID2, To: "Human", ReadOnly: true},
		},
		Links: []model.Link{
			{Name: "boss", To: "Human", Key: "bossId"},
			{Name: "team", To: "Human", Many: true, Inverse: "bossId"},
		},
		Allow: model.Allow{View: public, List: public, Create: public, Update: public, Delete: public},
	}
}

const peopleSchema = `CREATE TABLE humans (id text PRIMARY KEY, first text NOT NULL, last text, slug text NOT NULL, rank bigint NOT NULL, boss_id text REFERENCES humans)`

func unlinkedPeople(t *testing.T, db *store.DB) *crud.Resource[Human] {
	t.Helper()
	run(t, db, peopleSchema)
	policy, err := authz.NewPolicy([]authz.Role{{Name: "chief"}})
	if err != nil {
		t.Fatal(err)
	}
	return newResource(t, db, policy, humanEntity(), (*Human).pointer)
}

func newPeople(t *testing.T, db *store.DB) *crud.Resource[Human] {
	t.Helper()
	people := unlinkedPeople(t, db)
	people.Compute(HumanFull, func(row, from *Human) {
		row.Full = from.First
		if from.Last != nil {
			row.Full += " " + *from.Last
		}
		if from.ID != "" || from.Slug != "" || from.Rank != 0 {
			t.Error("it is handed more than it is made of")
		}
	})
	people.Compute(HumanSecret, func(row, from *Human) { row.Secret = &from.First })
	if err := crud.Link(people); err != nil {
		t.Fatal(err)
	}
	return people
}

var chief = &gate.Principal{Subject: "c", Roles: []string{"chief"}}

func TestComputed_start(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people := unlinkedPeople(t, db)
		people.Compute(HumanFull, func(*Human, *Human) {})
		if err := crud.Link(people); err == nil || !strings.Contains(err.Error(), `field "secret" is computed, and nothing says how: call the method of App that begins with ComputeHuman`) {
			t.Errorf("nothing computes the secret: %v", err)
		}
		defer func() {
			if recover() == nil {
				t.Error("a function for a field that is not computed")
			}
		}()
		people.Compute(HumanFirst, func(*Human, *Human) {})
	})
}

// TestComputed_read: what a field is made of is read with it and not shown, however
// it is asked for, and nothing is found by it.
func TestComputed_read(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people := newPeople(t, db)
		ada := sure(people.Create(system(t), &crud.Change[Human]{
			Row: Human{First: "Ada", Last: new("Byron"), Slug: "ada"}, Set: model.Fields(HumanFirst, HumanLast, HumanSlug),
		}))
		if ada.Full != "Ada Byron" || ada.Rank != 1 {
			t.Errorf("made: %+v", ada)
		}
		for _, tt := range []struct {
			name   string
			who    *gate.Principal
			fields []string
			want   string
		}{
			{"all", nil, nil, `{"id":"ID","first":"Ada","full":"Ada Byron","slug":"ada","rank":1,"bossId":null}`},
			{"it alone", nil, []string{"full"}, `{"id":"ID","full":"Ada Byron"}`},
			{"without it", nil, []string{"first"}, `{"id":"ID","first":"Ada"}`},
			{"all as chief", chief, nil, `{"id":"ID","first":"Ada","last":"Byron","full":"Ada Byron","secret":"Ada","slug":"ada","rank":1,"bossId":null}`},
			{"another as chief", chief, []string{"secret"}, `{"id":"ID","secret":"Ada"}`},
		} {
			row, err := people.GetRow(as(t, tt.who), ada.ID, &query.Selection{Fields: tt.fields})
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(tt.want, "ID", ada.ID, 1)
			if diff := cmp.Diff(want, string(row.AppendJSON(nil))); diff != "" {
				t.Errorf("get %s: %s", tt.name, diff)
			}
			rows, err := people.FindRows(as(t, tt.who), &query.Query{Select: tt.fields})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("["+want+"]", string(rows.AppendJSON(nil))); diff != "" {
				t.Errorf("find %s: %s", tt.name, diff)
			}
		}
		typed, err := people.Get(t.Context(), ada.ID)
		if err != nil || typed.Full != "Ada Byron" || typed.Last != nil || typed.Secret != nil {
			t.Errorf("%+v, %v", typed, err)
		}
		for name, tt := range map[string]struct {
			who  *gate.Principal
			q    query.Query
			want string
		}{
			"filter":                   {chief, query.Query{Where: query.Term{Field: "full", Op: query.Eq, Value: "x"}}, "full type"},
			"null":                     {chief, query.Query{Where: query.Term{Field: "secret", Op: query.Null, Value: true}}, "secret type"},
			"sort":                     {nil, query.Query{Sort: []query.Sort{{Field: "full"}}}, "full type"},
			"of others":                {nil, query.Query{Where: query.Related{Relation: "boss", Where: query.Term{Field: "full", Op: query.Eq, Value: "x"}}}, "boss.full type"},
			"filter by one not shown":  {nil, query.Query{Where: query.Term{Field: "secret", Op: query.Eq, Value: "x"}}, "secret unknown"},
			"sort by one not shown":    {nil, query.Query{Sort: []query.Sort{{Field: "secret"}}}, "secret unknown"},
			"select what is not shown": {nil, query.Query{Select: []string{"secret"}}, "secret unknown"},
		} {
			_, err := people.FindRows(as(t, tt.who), &tt.q)
			if got := strings.Join(problems(err), ", "); got != tt.want {
				t.Errorf("%s: %s, want %s", name, got, tt.want)
			}
		}
	})
}

// TestComputed_written: nobody writes it, and it follows every change.
func TestComputed_written(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people := newPeople(t, db)
		var told []model.FieldSet
		people.OnChange(func(_ context.Context, c crud.Changed) { told = append(told, c.Set) })
		ada := sure(people.Create(system(t), &crud.Change[Human]{
			Row: Human{First: "Ada", Slug: "ada"}, Set: model.Fields(HumanFirst, HumanSlug),
		}))
		changed := sure(people.PatchRow(as(t, chief), ada.ID, []byte(`{"last":"King"}`), nil))
		if m := members(t, changed); m["full"] != "Ada King" {
			t.Errorf("%v", m)
		}
		if want := model.Fields(HumanLast, HumanFull); len(told) != 2 || told[1] != want {
			t.Errorf("told of %v, want %v", told, want)
		}
		for _, ctx := range []context.Context{t.Context(), as(t, chief), system(t)} {
			if _, err := people.PatchRow(ctx, ada.ID, []byte(`{"full":"x"}`), nil); strings.Join(problems(err), "") != "full read_only" {
				t.Errorf("%v %v", err, problems(err))
			}
		}
		people.Before(authz.Update, func(_ context.Context, ch *crud.Change[Human]) error {
			ch.Row.Full = "from a hook"
			return nil
		})
		if m := members(t, sure(people.PatchRow(as(t, chief), ada.ID, []byte(`{"first":"A"}`), nil))); m["full"] != "A King" {
			t.Errorf("%v", m)
		}
		people.Compute(HumanFull, func(row, _ *Human) { row.Full = "\xff" })
		if _, err := people.GetRow(t.Context(), ada.ID, nil); status(t, err) != http.StatusInternalServerError || !strings.Contains(err.Error(), "Human.full") {
			t.Errorf("what no text is: %v", err)
		}
		if _, err := people.PatchRow(as(t, chief), ada.ID, []byte(`{"first":"B"}`), nil); status(t, err) != http.StatusInternalServerError {
			t.Errorf("a change to it: %v", err)
		}
		if row := sure(people.GetRow(t.Context(), ada.ID, &query.Selection{Fields: []string{"first"}})); members(t, row)["first"] != "A" {
			t.Error("the change was kept")
		}
	})
}

// TestReadOnly: the service writes what its callers may not, by a hook or as the
// system, also through the rows that a key leads to.
func TestReadOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people := newPeople(t, db)
		if _, err := people.CreateRow(t.Context(), []byte(`{"first":"Ada"}`), nil); status(t, err) != http.StatusInternalServerError {
			t.Errorf("nothing sets the slug, which is no mistake of the caller: %v", err)
		}
		if _, err := people.CreateRow(t.Context(), []byte(`{}`), nil); strings.Join(problems(err), ", ") != "first required" {
			t.Errorf("what is one comes first: %v", problems(err))
		}
		slug := ""
		people.Before(authz.Create, func(_ context.Context, ch *crud.Change[Human]) error {
			if ch.Row.Slug == "" {
				ch.Row.Slug = slug
			}
			return nil
		})
		if _, err := people.CreateRow(t.Context(), []byte(`{"first":"Ada"}`), nil); status(t, err) != http.StatusInternalServerError {
			t.Errorf("the hook sets nothing: %v", err)
		}
		slug = "too long"
		if _, err := people.CreateRow(t.Context(), []byte(`{"first":"Ada"}`), nil); strings.Join(problems(err), ", ") != "slug too_long" {
			t.Errorf("the hook sets what no row may have: %v", problems(err))
		}
		slug = "ada"
		ada := sure(people.CreateRow(t.Context(), []byte(`{"first":"Ada"}`), nil))
		bob := sure(people.Create(system(t), &crud.Change[Human]{
			Row: Human{First: "Bob", Slug: "bob", Rank: 7, BossID: &ada.ID}, Set: model.Fields(HumanFirst, HumanSlug, HumanRank, HumanBoss),
		}))
		if bob.Slug != "bob" || bob.Rank != 7 || *bob.BossID != ada.ID {
			t.Errorf("the service itself: %+v", bob)
		}
		for _, body := range []string{
			`{"slug":"x"}`, `{"rank":2}`, `{"bossId":null}`, `{"boss":{"connect":{"id":"` + bob.ID + `"}}}`,
			`{"team":{"connect":[{"id":"` + ada.ID + `"}]}}`, `{"team":{"disconnect":[{"id":"` + bob.ID + `"}]}}`, `{"team":{"create":[{"first":"x"}]}}`,
		} {
			id := ada.ID
			if _, err := people.PatchRow(as(t, chief), id, []byte(body), nil); !strings.Contains(strings.Join(problems(err), ","), " read_only") {
				t.Errorf("%s: %v %v", body, err, problems(err))
			}
		}
		if _, err := people.CreateRow(as(t, chief), []byte(`{"first":"x","rank":2,"slug":"y"}`), nil); strings.Join(problems(err), ", ") != "rank read_only, slug read_only" {
			t.Errorf("create: %v", problems(err))
		}
		put := members(t, sure(people.UpdateRow(as(t, chief), bob.ID, []byte(`{"first":"Rob"}`), nil)))
		if put["slug"] != "bob" || put["bossId"] != ada.ID || put["full"] != "Rob" {
			t.Errorf("a replacement keeps them: %v", put)
		}
		if _, err := people.PatchRow(system(t), bob.ID, []byte(`{"rank":10}`), nil); strings.Join(problems(err), ", ") != "rank too_large" {
			t.Errorf("limits are for the service, too: %v", problems(err))
		}
	})
}

// sure returns a value that there has to be.
func sure[V any](v V, err error) V {
	if err != nil {
		panic(fmt.Sprint(err, problems(err)))
	}
	return v
}
