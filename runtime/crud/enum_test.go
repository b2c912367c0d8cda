package crud_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

type (
	jobState string
	jobDay   string
)

// job is a row as generated code has it: the type of an enum is its own.
type job struct {
	ID    string
	State jobState
	Was   *jobState
	Days  []jobDay
}

func (r *job) pointer(f model.FieldID) any {
	return []any{&r.ID, (*string)(&r.State), model.OptionalEnum(&r.Was), model.EnumList(&r.Days)}[f]
}

// TestEnums: values of the types of enums are written, read, hooked into and looked for.
func TestEnums(t *testing.T) {
	public := []string{"public"}
	states := []string{"open", "done"}
	entity := func() *model.Entity {
		return &model.Entity{
			Name: "Job", Plural: "Jobs", Path: "jobs", Table: "jobs",
			Fields: []model.Field{
				{Name: "id", Column: "id", Type: model.ID, ID: model.UUID, Required: true},
				{Name: "state", Column: "state", Type: model.Enum, Values: states, Required: true, Default: "open"},
				{Name: "was", Column: "was", Type: model.Enum, Values: states},
				{Name: "days", Column: "days", Type: model.MultiEnum, Values: []string{"mon", "tue"}},
			},
			Allow: model.Allow{View: public, List: public, Create: public, Update: public, Delete: public},
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		list := map[store.Dialect]string{store.SQLite: "text", store.Postgres: "jsonb"}[db.Dialect()]
		run(t, db, "CREATE TABLE jobs (id text PRIMARY KEY, state text NOT NULL, was text, days "+list+")")
		policy, err := authz.NewPolicy(nil)
		if err != nil {
			t.Fatal(err)
		}
		jobs := newResource(t, db, policy, entity(), (*job).pointer)
		if err := crud.Link(jobs); err != nil {
			t.Fatal(err)
		}
		jobs.Before(authz.Update, func(_ context.Context, c *crud.Change[job]) error {
			if c.Row.State != c.Old.State {
				was := c.Old.State
				c.Row.Was = &was
			}
			return nil
		})
		made, err := jobs.Create(t.Context(), &crud.Change[job]{Row: job{Days: []jobDay{"tue", "mon"}}, Set: model.Fields(3)})
		if err != nil || made.State != "open" || made.Was != nil {
			t.Fatalf("made %+v, %v", made, err)
		}
		if _, err = jobs.Patch(t.Context(), made.ID, &crud.Change[job]{Row: job{State: "done"}, Set: model.Fields(1)}); err != nil {
			t.Fatal(err)
		}
		open := jobState("open")
		want := []job{{ID: made.ID, State: "done", Was: &open, Days: []jobDay{"tue", "mon"}}}
		for _, x := range []query.Term{
			{Field: "state", Op: query.Eq, Value: jobState("done")},
			{Field: "state", Op: query.In, Value: []jobState{"done", "open"}},
			{Field: "state", Op: query.NotIn, Value: []any{jobState("open")}},
			{Field: "was", Op: query.Eq, Value: jobState("open")},
			{Field: "days", Op: query.Contains, Value: jobDay("mon")},
		} {
			page, err := jobs.Find(t.Context(), &query.Query{Where: x})
			if err != nil {
				t.Errorf("%v: %v", x, err)
				continue
			}
			if diff := cmp.Diff(want, page.Data); diff != "" {
				t.Errorf("%v (-want +got):\n%s", x, diff)
			}
		}
		if _, err := jobs.Find(t.Context(), &query.Query{Where: query.Term{Field: "state", Op: query.Eq, Value: jobState("lost")}}); err == nil {
			t.Error("a value that the enum does not have is looked for")
		}
		if _, err := jobs.Patch(t.Context(), made.ID, &crud.Change[job]{Row: job{State: "lost"}, Set: model.Fields(1)}); err == nil {
			t.Error("a value that the enum does not have is written")
		}
	})
}
