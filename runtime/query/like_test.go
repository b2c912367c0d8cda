package query_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// wine has a text, which compares as it is, and an address, which compares without case.
func wine(t testing.TB) *model.Entity {
	t.Helper()
	e := &model.Entity{Name: "Wine", Plural: "Wines", Path: "wines", Table: "wines", Fields: []model.Field{
		{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true},
		{Name: "name", Column: "name", Type: model.Text, MaxLength: 100},
		{Name: "email", Column: "email", Type: model.Email},
		{Name: "stock", Column: "stock", Type: model.Integer},
	}}
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	return e
}

func everyField(e *model.Entity) model.FieldSet {
	var all model.FieldSet
	for i := range e.Fields {
		all.Add(model.FieldID(i))
	}
	return all
}

// TestLike: % and _ are the only wildcards on both databases, whatever their own
// operators make of other characters, and nothing that is escaped is one.
func TestLike(t *testing.T) {
	e := wine(t)
	names := []string{"Figeac", "figeac", `Fig\eac`, "F%geac", "F_geac", "F*geac", "F?geac", "F[ab]geac", "Fägeac", "F\U0001F347geac", "Figeac\n2009", "eac"}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.Exec(t.Context(), "CREATE TABLE wines (id bigint PRIMARY KEY, name text, email text, stock bigint)"); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			if _, err := db.Exec(t.Context(), "INSERT INTO wines VALUES ($1, $2, $3, 0)", int64(i+1), name, "Ann"+strings.ToUpper(name)); err != nil {
				t.Fatal(err)
			}
		}
		for _, tt := range []struct {
			field, pattern string
			want           []string
		}{
			{"name", "Figeac", []string{"Figeac"}},
			{"name", "Fig%", []string{"Figeac", `Fig\eac`, "Figeac\n2009"}},
			{"name", "%eac", []string{"Figeac", "figeac", `Fig\eac`, "F%geac", "F_geac", "F*geac", "F?geac", "F[ab]geac", "Fägeac", "F\U0001F347geac", "eac"}},
			{"name", "F_geac", []string{"Figeac", "F%geac", "F_geac", "F*geac", "F?geac", "Fägeac", "F\U0001F347geac"}},
			{"name", `F\_geac`, []string{"F_geac"}},
			{"name", `F\%geac`, []string{"F%geac"}},
			{"name", `Fig\\eac`, []string{`Fig\eac`}},
			{"name", "F*geac", []string{"F*geac"}},
			{"name", "F?geac", []string{"F?geac"}},
			{"name", "F[ab]geac", []string{"F[ab]geac"}},
			{"name", "F[^i]geac", nil},
			{"name", "F%g%c%9", []string{"Figeac\n2009"}},
			{"name", "_igeac", []string{"Figeac", "figeac"}},
			{"name", "%%%ig%%", []string{"Figeac", "figeac", `Fig\eac`, "Figeac\n2009"}},
			{"email", "annfig%", []string{"Figeac", "figeac", `Fig\eac`, "Figeac\n2009"}},
			{"email", `ANNF\_geac`, []string{"F_geac"}},
			{"email", "annF*geac", []string{"F*geac"}},
		} {
			plan, err := query.Resolve(e, &query.Query{Where: query.Term{Field: tt.field, Op: query.Like, Value: tt.pattern}}, everyField(e), everyField(e), nil)
			if err != nil {
				t.Fatalf("%s: %v", tt.pattern, err)
			}
			var s query.Statement
			query.NewCompiler(db.Dialect(), e).Page(&s, plan, query.Filter{}, model.Fields(1))
			rows, err := db.Read().QueryContext(t.Context(), string(s.SQL), s.Args...)
			if err != nil {
				t.Fatalf("%s: %v", s.SQL, err)
			}
			var got []string
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					t.Fatal(err)
				}
				got = append(got, name)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s like %s: %s", tt.field, tt.pattern, diff)
			}
		}
	})
}

// TestLike_refused: what finds everything, is too much work, or could be understood in
// two ways is no pattern.
func TestLike_refused(t *testing.T) {
	e := wine(t)
	for _, tt := range []struct{ name, field, value, code string }{
		{"nothing", "name", "", model.CodeTooShort},
		{"everything", "name", "%%%%", model.CodeTooShort},
		{"every text of four", "name", "____", model.CodeTooShort},
		{"almost everything", "name", "%a%", model.CodeTooShort},
		{"one that is escaped counts once", "name", `%\%%`, model.CodeTooShort},
		{"too many wildcards", "name", strings.Repeat("%ab", query.MaxWildcards+1), model.CodeLimit},
		{"an end that escapes nothing", "name", `ab\`, model.CodeFormat},
		{"an escape that is none", "name", `a\bc`, model.CodeFormat},
		{"too long", "name", strings.Repeat("a", query.MaxText+1), model.CodeTooLong},
		{"NUL", "name", "ab\x00", model.CodeFormat},
		{"no text", "name", "ab\xff", model.CodeFormat},
		{"a number", "stock", "12%", model.CodeType},
		{"an id", "id", "12%", model.CodeType},
	} {
		_, err := query.Resolve(e, &query.Query{Where: query.Term{Field: tt.field, Op: query.Like, Value: tt.value}}, everyField(e), everyField(e), nil)
		problems, ok := errors.AsType[model.Problems](err)
		if !ok || len(problems) != 1 || problems[0].Code != tt.code || problems[0].Field != tt.field {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	most := query.Term{Field: "name", Op: query.Like, Value: strings.Repeat("%ab", query.MaxWildcards)}
	if _, err := query.Resolve(e, &query.Query{Where: most}, everyField(e), everyField(e), nil); err != nil {
		t.Errorf("as many as there may be: %v", err)
	}
}
