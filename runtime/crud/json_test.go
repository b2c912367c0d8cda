package crud_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// A page has whatever JSON its writer likes.
type page struct {
	ID   string
	Body json.RawMessage
}

func (p *page) pointer(f model.FieldID) any { return []any{&p.ID, &p.Body}[f] }

// TestJSON_spelling: a value is answered in one spelling, whichever database keeps it
// and whether it was read or just written, and writing it again is no change.
func TestJSON_spelling(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run(t, db, map[store.Dialect]string{
			store.SQLite:   `CREATE TABLE pages (id text PRIMARY KEY, body text)`,
			store.Postgres: `CREATE TABLE pages (id text PRIMARY KEY, body jsonb)`,
		}[db.Dialect()])
		policy, err := authz.NewPolicy(nil)
		if err != nil {
			t.Fatal(err)
		}
		public := []string{"public"}
		pages := newResource(t, db, policy, &model.Entity{
			Name: "Page", Plural: "Pages", Path: "pages", Table: "pages",
			Fields: []model.Field{
				{Name: "id", Column: "id", Type: model.ID, ID: model.CUID2, Required: true},
				{Name: "body", Column: "body", Type: model.JSON},
			},
			Allow: model.Allow{View: public, List: public, Create: public, Update: public},
		}, (*page).pointer)
		if err := crud.Link(pages); err != nil {
			t.Fatal(err)
		}
		told := 0
		pages.OnChange(func(context.Context, crud.Changed) { told++ })
		body := func(row crud.Row, err error) string {
			t.Helper()
			if err != nil {
				t.Fatal(err, problems(err))
			}
			var out struct{ Body json.RawMessage }
			if err := json.Unmarshal(row.AppendJSON(nil), &out); err != nil {
				t.Fatal(err)
			}
			return string(out.Body)
		}
		for _, tt := range []struct{ sent, want string }{
			{`{"b":1,"a":2,"aa":3,"":4,"ä":5}`, `{"":4,"a":2,"b":1,"aa":3,"ä":5}`},
			{`[1.50, 1e2, 15e-1, -0, -0.0, 0e7, 1E+3, 12.5e1, 0.001e2, -2.5E-3]`, `[1.50,100,1.5,0,0.0,0,1000,125,0.1,-0.0025]`},
			{`123456789012345678901234567890.10`, `123456789012345678901234567890.10`},
			{`["\u0041\/\u00e4\u20ac\ud83d\ude00", "\b\f\n\r\t\"\\", "\u0001\u001f\u007f\u2028<&>"]`, "[\"A/ä€😀\",\"\\b\\f\\n\\r\\t\\\"\\\\\",\"\\u0001\\u001f\x7f\u2028<&>\"]"},
			{`{ "x" : [ ] , "y" : { } , "z" : [ true , false , null ] }`, `{"x":[],"y":{},"z":[true,false,null]}`},
			{`"text"`, `"text"`},
			{`{"a":{"b":{"d":1,"c":2}}}`, `{"a":{"b":{"c":2,"d":1}}}`},
		} {
			made, err := pages.CreateRow(t.Context(), []byte(`{"body":`+tt.sent+`}`), nil)
			if got := body(made, err); got != tt.want {
				t.Errorf("%s made: %s, want %s", tt.sent, got, tt.want)
			}
			if got := body(pages.GetRow(t.Context(), made.ID, nil)); got != tt.want {
				t.Errorf("%s read: %s, want %s", tt.sent, got, tt.want)
			}
			before := told
			if got := body(pages.PatchRow(t.Context(), made.ID, []byte(`{"body":`+tt.sent+`}`), nil)); got != tt.want || told != before {
				t.Errorf("%s written again: %s, and %d changes", tt.sent, got, told-before)
			}
			own, err := pages.Patch(t.Context(), made.ID, &crud.Change[page]{Row: page{Body: json.RawMessage(tt.sent)}, Set: model.Fields(1)})
			if err != nil || string(own.Body) != tt.want || told != before {
				t.Errorf("%s written by code: %s, %v, and %d changes", tt.sent, own.Body, err, told-before)
			}
		}
	})
}
