package crud_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// Doc is a row that counts its changes.
type Doc struct {
	ID       string
	Text     string
	Secret   *string
	AuthorID *string
	Version  int64
}

const (
	DocID model.FieldID = iota
	DocText
	DocSecret
	DocAuthor
	DocVersion
)

func (r *Doc) pointer(f model.FieldID) any {
	return []any{&r.ID, &r.Text, &r.Secret, &r.AuthorID, &r.Version}[f]
}

func docEntity() *model.Entity {
	return &model.Entity{
		Name: "Doc", Plural: "Docs", Path: "docs", Table: "docs", Owner: "authorId", Version: "version",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "text", Column: "text_value", Type: model.Text, Required: true, MaxLength: 100},
			{Name: "secret", Column: "secret", Type: model.Text, MaxLength: 100, View: []string{"manager"}},
			{Name: "authorId", Column: "author_id", Type: model.Relation, To: "User"},
			{Name: "version", Column: "version", Type: model.Integer, Required: true, ReadOnly: true, Default: int64(1)},
		},
		Allow: model.Allow{
			View: []string{"customer"}, List: []string{"customer"}, Create: []string{"signed-in"},
			Update: []string{"owner", "manager"}, Delete: []string{"owner", "manager"},
		},
	}
}

func newDocs(t testing.TB, s *shop) *crud.Resource[Doc] {
	t.Helper()
	key := "TEXT"
	if s.db.Dialect() == store.Postgres {
		key = "uuid"
	}
	run(t, s.db, `CREATE TABLE docs (id `+key+` PRIMARY KEY, text_value TEXT NOT NULL, secret TEXT, author_id `+key+` REFERENCES users (id), version BIGINT NOT NULL)`)
	docs := newResource(t, s.db, s.policy, docEntity(), (*Doc).pointer)
	if err := crud.Link(s.users, s.items, s.orders, docs); err != nil {
		t.Fatal(err)
	}
	return docs
}

func newDoc(t testing.TB, docs *crud.Resource[Doc], who *gate.Principal) string {
	t.Helper()
	row, err := docs.CreateRow(as(t, who), []byte(`{"text":"one"}`), nil)
	if err != nil || row.Tag()[:3] != "v1-" {
		t.Fatal(err, row.Tag())
	}
	return row.ID
}

// TestVersion_twoWriters: of many who change the same version, one does.
func TestVersion_twoWriters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		docs := newDocs(t, s)
		id := newDoc(t, docs, s.ann)
		const writers = 8
		statuses := make([]int, writers)
		var all sync.WaitGroup
		for i := range writers {
			ctx := as(t, s.ann)
			all.Go(func() {
				_, err := docs.PatchRow(ctx, id, fmt.Appendf(nil, `{"text":"writer %d"}`, i), nil, crud.IfVersion(1))
				statuses[i] = status(t, err)
			})
		}
		all.Wait()
		slices.Sort(statuses)
		want := append([]int{http.StatusOK}, slices.Repeat([]int{http.StatusPreconditionFailed}, writers-1)...)
		doc, err := docs.Get(system(t), id)
		if !slices.Equal(statuses, want) || err != nil || doc.Version != 2 {
			t.Errorf("%v, %+v, %v", statuses, doc, err)
		}
	})
}

// TestVersion_statement: the version is compared once more where the row is
// written: a hook of the service that changes the row is one writer, too.
func TestVersion_statement(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		docs := newDocs(t, s)
		id := newDoc(t, docs, s.ann)
		meanwhile := func(ctx context.Context, _ *crud.Change[Doc]) error {
			tx, _ := crud.Tx(ctx, db)
			_, err := tx.ExecContext(ctx, `UPDATE docs SET version = version + 1`)
			return err
		}
		docs.Before(authz.Update, meanwhile)
		docs.Before(authz.Delete, meanwhile)
		for name, err := range map[string]error{
			"change": err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"text":"two"}`), nil, crud.IfVersion(1))),
			"body":   err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"text":"two","version":1}`), nil)),
			"delete": err2(docs.RemoveRow(as(t, s.ann), id, nil, crud.IfVersion(1))),
		} {
			if status(t, err) != http.StatusPreconditionFailed {
				t.Errorf("%s: %v", name, err)
			}
		}
		if doc, err := docs.Get(system(t), id); err != nil || doc.Text != "one" || doc.Version != 1 {
			t.Errorf("%+v, %v", doc, err)
		}
	})
}

// TestVersion_order: who may not see a row learns nothing of its version, and who may
// not change it neither.
func TestVersion_order(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		docs := newDocs(t, s)
		id := newDoc(t, docs, s.ann)
		stranger := &gate.Principal{Subject: s.bob.Subject}
		stale, fresh := crud.IfVersion(7), crud.IfVersion(3, 1)
		text, gone := []byte(`{"text":"two"}`), strings.Repeat("0", 8)+id[8:]
		for _, tt := range []struct {
			name string
			err  error
			want int
		}{
			{"out of sight", err2(docs.PatchRow(as(t, stranger), id, text, nil, stale)), 404},
			{"not there", err2(docs.PatchRow(as(t, s.ann), gone, text, nil, stale)), 404},
			{"not there, deleted", err2(docs.RemoveRow(as(t, s.ann), gone, nil, stale)), 404},
			{"seen and not one's own", err2(docs.PatchRow(as(t, s.bob), id, text, nil, stale)), 403},
			{"not one's own, deleted", err2(docs.RemoveRow(as(t, s.bob), id, nil, stale)), 403},
			{"wrong fields", err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"nonsense":1}`), nil, stale)), 400},
			{"changed meanwhile", err2(docs.PatchRow(as(t, s.ann), id, text, nil, stale)), 412},
			{"replaced", err2(docs.UpdateRow(as(t, s.ann), id, text, nil, stale)), 412},
			{"deleted", err2(docs.RemoveRow(as(t, s.ann), id, nil, stale)), 412},
			{"no version at all", err2(docs.PatchRow(as(t, s.ann), id, text, nil, crud.IfVersion())), 412},
			{"nothing changes", err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"text":"one"}`), nil, stale)), 412},
			{"in the body", err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"version":2,"text":"two"}`), nil)), 412},
			{"header and body", err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"version":3,"text":"two"}`), nil, fresh)), 412},
			{"the service itself", err2(docs.PatchRow(system(t), id, []byte(`{"version":9,"text":"two"}`), nil)), 412},
			{"body is no number", err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"version":"x"}`), nil)), 400},
			{"body is null", err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"version":null}`), nil)), 400},
			{"of a new row", err2(docs.CreateRow(as(t, s.ann), []byte(`{"text":"new","version":5}`), nil)), 400},
			{"rows without versions", err2(s.items.PatchRow(as(t, s.cleo), s.soup, []byte(`{"name":"broth"}`), nil, crud.IfVersion(1))), 412},
		} {
			if got := status(t, tt.err); got != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
			}
		}
		if doc, err := docs.Get(system(t), id); err != nil || doc.Text != "one" || doc.Version != 1 {
			t.Errorf("refused and done: %+v, %v", doc, err)
		}
	})
}

// TestVersion_hidden: a row that get does not show is 404, whatever its version is.
func TestVersion_hidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		docs := newDocs(t, s)
		id := newDoc(t, docs, s.ann)
		docs.Narrow(authz.View, "customer", query.Equals(docs.Entity(), DocAuthor, s.bob.Subject))
		docs.Narrow(authz.Update, "customer", query.Filter{})
		docs.Narrow(authz.Delete, "customer", query.Filter{})
		for _, opt := range []crud.Option{crud.IfVersion(1), crud.IfVersion(7), crud.IfVersion()} {
			for name, err := range map[string]error{
				"change": err2(docs.PatchRow(as(t, s.bob), id, []byte(`{"text":"two"}`), nil, opt)),
				"delete": err2(docs.RemoveRow(as(t, s.bob), id, nil, opt)),
			} {
				if status(t, err) != http.StatusNotFound {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}

// TestVersion_counts: every change that writes counts, by whichever way, and no
// other does.
func TestVersion_counts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		docs := newDocs(t, s)
		id := newDoc(t, docs, s.ann)
		docs.Before(authz.Update, func(_ context.Context, ch *crud.Change[Doc]) error {
			ch.Row.Version = 40 // not for a hook to say
			return nil
		})
		for _, step := range []struct {
			name string
			err  error
			want int64
		}{
			{"change", err2(docs.PatchRow(as(t, s.ann), id, []byte(`{"text":"two"}`), nil, crud.IfVersion(1))), 2},
			{"its row sent back", err2(docs.UpdateRow(as(t, s.ann), id, fmt.Appendf(nil, `{"id":%q,"text":"three","version":2}`, id), nil)), 3},
			{"without a condition", err2(docs.PatchRow(as(t, s.max), id, []byte(`{"text":"four"}`), nil)), 4},
		} {
			if step.err != nil {
				t.Fatalf("%s: %v %v", step.name, step.err, problems(step.err))
			}
		}
		doc, err := docs.Patch(as(t, s.ann), id, &crud.Change[Doc]{Row: Doc{Text: "five", Version: 4}, Set: model.Fields(DocText, DocVersion)})
		if err != nil || doc.Version != 5 || doc.Text != "five" {
			t.Fatalf("%+v, %v", doc, err)
		}
		if _, err := docs.Patch(as(t, s.ann), id, &crud.Change[Doc]{Row: Doc{Text: "six", Version: 4}, Set: model.Fields(DocText, DocVersion)}); status(t, err) != http.StatusPreconditionFailed {
			t.Errorf("an old version from Go: %v", err)
		}
		if row, err := docs.RemoveRow(as(t, s.ann), id, nil, crud.IfVersion(5)); err != nil || row.ID != id {
			t.Error(err)
		}
	})
}

// TestVersion_tag: an answer with other fields, or to somebody who sees others, has
// another tag; what is not of the row alone has none.
func TestVersion_tag(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	docs := newDocs(t, s)
	id := newDoc(t, docs, s.ann)
	tag := func(who *gate.Principal, sel *query.Selection) string {
		row, err := docs.GetRow(as(t, who), id, sel)
		if err != nil {
			t.Fatal(err)
		}
		return row.Tag()
	}
	all, some, part := tag(s.max, nil), tag(s.ann, nil), tag(s.max, &query.Selection{Fields: []string{"text"}})
	if some == all || part == all || part == some || some != tag(s.bob, nil) {
		t.Errorf("%q, %q, %q, %q", all, some, part, tag(s.bob, nil))
	}
	for _, text := range []string{all, some, part} {
		if v, ok := crud.ParseTag(text); v != 1 || !ok {
			t.Errorf("%q is version %d, %v", text, v, ok)
		}
	}
	for _, text := range []string{"", "1", "v", "v0", "v-1", "vx", "v1x", "V1", "v99999999999999999999"} {
		if v, ok := crud.ParseTag(text); ok {
			t.Errorf("%q is version %d", text, v)
		}
	}
	if row, err := s.items.GetRow(as(t, s.ann), s.soup, nil); err != nil || row.Tag() != "" {
		t.Errorf("a row without version: %q, %v", row.Tag(), err)
	}
	stranger := &gate.Principal{Subject: s.bob.Subject}
	if row, err := docs.CreateRow(as(t, stranger), []byte(`{"text":"mine"}`), nil); err != nil || row.Tag() != "" {
		t.Errorf("a row that its maker may not view: %q, %v", row.Tag(), err)
	}
}

// TestVersion_shape: the tag of a row is another one when the service has other fields,
// also when as many of them are shown.
func TestVersion_shape(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	docs := newDocs(t, s)
	id := newDoc(t, docs, s.ann)
	tag := func(change func(e *model.Entity), sel ...string) string {
		e := docEntity()
		change(e)
		docs := newResource(t, s.db, s.policy, e, (*Doc).pointer)
		if err := crud.Link(s.users, s.items, s.orders, docs); err != nil {
			t.Fatal(err)
		}
		row, err := docs.GetRow(as(t, s.max), id, &query.Selection{Fields: sel})
		if err != nil {
			t.Fatal(err)
		}
		return row.Tag()
	}
	same := func(*model.Entity) {}
	renamed := func(e *model.Entity) { e.Fields[DocText].Name = "words" }
	if a, b := tag(same), tag(same); a != b || a == "" {
		t.Errorf("nothing is other: %q, %q", a, b)
	}
	if a, b := tag(same), tag(renamed); a == b {
		t.Errorf("a field by another name: %q", a)
	}
	valued := func(names ...string) func(*model.Entity) {
		return func(e *model.Entity) { e.Fields[DocText].Type, e.Fields[DocText].Values = model.Enum, names }
	}
	if a, b := tag(valued("mine", "old")), tag(valued("mine", "new")); a == b {
		t.Errorf("a value by another name: %q", a)
	}
	if a, b := tag(same, "text"), tag(renamed, "words"); a == b {
		t.Errorf("a field in the place of another: %q", a)
	}
}

// TestVersion_letGo: a key that the database empties, because the row that it points to
// goes, counts no version, and the tag is another one all the same.
func TestVersion_letGo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		newDocs(t, s)
		e := docEntity()
		e.Fields[DocAuthor].OnDelete = model.SetNull
		docs := newResource(t, s.db, s.policy, e, (*Doc).pointer)
		if err := crud.Link(s.users, s.items, s.orders, docs); err != nil {
			t.Fatal(err)
		}
		id := newDoc(t, docs, s.ann)
		tag := func(sel ...string) string {
			row, err := docs.GetRow(as(t, s.max), id, &query.Selection{Fields: sel})
			if err != nil {
				t.Fatal(err)
			}
			return row.Tag()
		}
		all, text := tag(), tag("text")
		run(t, s.db, `UPDATE docs SET author_id = NULL`)
		if now := tag(); now == all || now[:3] != "v1-" {
			t.Errorf("before %q, now %q", all, now)
		}
		if now := tag("text"); now != text {
			t.Errorf("without the key: before %q, now %q", text, now)
		}
	})
}
