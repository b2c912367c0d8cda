package crud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// Site has what is kept in one column and is more than one value.
type Site struct {
	ID    string
	Open  []string
	Tags  []string
	At    model.Geo
	Sold  *model.Geo
	Code  *string
	Since *model.Date
}

const (
	SiteID model.FieldID = iota
	SiteOpen
	SiteTags
	SiteAt
	SiteSold
	SiteCode
	SiteSince
)

func (r *Site) pointer(f model.FieldID) any {
	return []any{&r.ID, &r.Open, &r.Tags, &r.At, &r.Sold, &r.Code, &r.Since}[f]
}

func siteEntity() *model.Entity {
	public := []string{"public"}
	return &model.Entity{
		Name: "Site", Plural: "Sites", Path: "sites", Table: "sites",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.CUID2, Required: true},
			{Name: "open", Column: "open_on", Type: model.MultiEnum, Values: []string{"mon", "tue", "w"}, Required: true, Default: []string{"tue", "mon"}},
			{Name: "tags", Column: "tags", Type: model.MultiEnum, Values: []string{"by-foot", "by-car"}},
			{Name: "at", Column: "at", Type: model.GeoType, Required: true},
			{Name: "sold", Column: "sold", Type: model.GeoType},
			{Name: "code", Column: "code", Type: model.Text, CaseInsensitive: true, Pattern: "[A-Za-z]{2}[0-9]*"},
			{Name: "since", Column: "since", Type: model.DateType, Min: "2000-01-01", Max: "2030-12-31"},
		},
		Allow: model.Allow{View: public, List: public, Create: public, Update: public, Delete: public},
	}
}

var siteSchemas = map[store.Dialect]string{
	store.SQLite: `CREATE TABLE sites (id text PRIMARY KEY, open_on text NOT NULL, tags text, at text NOT NULL, sold text, code text, since text)`,
	store.Postgres: `CREATE TABLE sites (id text PRIMARY KEY, open_on jsonb NOT NULL, tags jsonb, at jsonb NOT NULL, sold jsonb,
		code text COLLATE "C", since date)`,
}

func newSites(t *testing.T, db *store.DB) *crud.Resource[Site] {
	t.Helper()
	run(t, db, siteSchemas[db.Dialect()])
	policy, err := authz.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	sites := newResource(t, db, policy, siteEntity(), (*Site).pointer)
	if err := crud.Link(sites); err != nil {
		t.Fatal(err)
	}
	return sites
}

// TestTypes_refused: what no row may have, whichever way it comes, with its code.
func TestTypes_refused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sites := newSites(t, db)
		const at = `"at":{"lat":1,"lng":2}`
		many := strings.TrimSuffix(strings.Repeat(`"mon",`, 201), ",")
		for _, tt := range []struct{ body, want string }{
			{`{}`, "at required"},
			{`{"at":null}`, "at required"},
			{`{"at":{"lat":1e308,"lng":0}}`, "at too_large"},
			{`{"at":{"lat":1e400,"lng":0}}`, "at too_large"},
			{`{"at":{"lat":-90.0000001,"lng":0}}`, "at too_small"},
			{`{"at":{"lat":0,"lng":180.5}}`, "at too_large"},
			{`{"at":{"lat":0,"lng":-181}}`, "at too_small"},
			{`{"at":{"lat":"1","lng":2}}`, "at type"},
			{`{"at":{"lat":NaN,"lng":2}}`, "malformed"},
			{`{"at":{"lat":null,"lng":2}}`, "at type"},
			{`{"at":{"lat":1}}`, "at type"},
			{`{"at":{"lat":1,"lng":2,"alt":3}}`, "at type"},
			{`{"at":{"lat":1,"lng":2,"lng":3}}`, "malformed"},
			{`{"at":{"lat":1,"lng":{"lat":1}}}`, "at type"},
			{`{"at":[1,2]}`, "at type"},
			{`{"at":"1,2"}`, "at type"},
			{`{` + at + `,"open":null}`, "open required"},
			{`{` + at + `,"open":["mon","mon"]}`, "open format"},
			{`{` + at + `,"open":["sun"]}`, "open not_in_list"},
			{`{` + at + `,"open":[""]}`, "open not_in_list"},
			{`{` + at + `,"open":[null]}`, "open not_in_list"},
			{`{` + at + `,"open":["mon",["tue"]]}`, "open type"},
			{`{` + at + `,"open":"mon"}`, "open type"},
			{`{` + at + `,"open":{"mon":true}}`, "open type"},
			{`{` + at + `,"open":[` + many + `]}`, "open too_long"},
			{`{` + at + `,"code":"abc"}`, "code format"},
			{`{` + at + `,"code":"AB1\n"}`, "code format"},
			{`{` + at + `,"code":""}`, "code format"},
			{`{` + at + `,"since":"1999-12-31"}`, "since too_small"},
			{`{` + at + `,"since":"2031-01-01"}`, "since too_large"},
		} {
			_, err := sites.CreateRow(t.Context(), []byte(tt.body), nil)
			if got := strings.TrimSpace(strings.Join(problems(err), ", ")); got != tt.want {
				t.Errorf("%.80s: %s, want %s", tt.body, got, tt.want)
			}
		}
		for _, row := range []Site{
			{At: model.Geo{Lat: math.NaN()}}, {At: model.Geo{Lng: math.Inf(-1)}}, {At: model.Geo{Lat: 91}},
		} {
			if _, err := sites.Create(t.Context(), &crud.Change[Site]{Row: row, Set: model.Fields(SiteAt)}); status(t, err) != http.StatusBadRequest {
				t.Errorf("%v: %v", row.At, err)
			}
		}
		if n := len(found(t, sites, nil, query.Query{})); n != 0 {
			t.Errorf("%d rows are there", n)
		}
	})
}

// TestTypes_kept: what is written comes back the same, and is found by what it has.
func TestTypes_kept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sites := newSites(t, db)
		make1 := func(body string) string {
			t.Helper()
			row, err := sites.CreateRow(t.Context(), []byte(body), nil)
			if err != nil {
				t.Fatalf("%s: %v %v", body, err, problems(err))
			}
			return fmt.Sprint(members(t, row)["id"])
		}
		bare := make1(`{"at":{"lng":-180,"lat":-90}}`)
		full := make1(`{"at":{"lat":48.208176001,"lng":-0},"sold":{"lat":0.1e-6,"lng":2},"open":["w","mon"],"tags":["by-car"],"code":"AB12","since":"2000-01-01"}`)
		none := make1(`{"at":{"lat":0,"lng":0},"open":[],"tags":[],"code":"ZZ","since":"2030-12-31"}`)
		for id, want := range map[string]string{
			bare: `"open":["tue","mon"],"tags":null,"at":{"lat":-90,"lng":-180},"sold":null,"code":null,"since":null`,
			full: `"open":["w","mon"],"tags":["by-car"],"at":{"lat":48.208176001,"lng":0},"sold":{"lat":1e-07,"lng":2},"code":"AB12","since":"2000-01-01"`,
			none: `"open":[],"tags":[],"at":{"lat":0,"lng":0},"sold":null,"code":"ZZ","since":"2030-12-31"`,
		} {
			row, err := sites.GetRow(t.Context(), id, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(`{"id":"`+id+`",`+want+`}`, string(row.AppendJSON(nil))); diff != "" {
				t.Error(diff)
			}
		}
		has := func(field, value string) query.Expr {
			return query.Term{Field: field, Op: query.Contains, Value: value}
		}
		for name, tt := range map[string]struct {
			where query.Expr
			want  []string
		}{
			"one of them":         {has("open", "mon"), []string{bare, full}},
			"a short one":         {has("open", "w"), []string{full}},
			"with a dash":         {has("tags", "by-car"), []string{full}},
			"no part of one":      {has("tags", "by-foot"), nil},
			"not":                 {query.Not{Expr: has("tags", "by-car")}, []string{bare, none}},
			"null":                {query.Term{Field: "tags", Op: query.Null, Value: true}, []string{bare}},
			"not null, and empty": {query.Term{Field: "tags", Op: query.Null, Value: "false"}, []string{full, none}},
			"a place":             {query.Term{Field: "sold", Op: query.Null, Value: false}, []string{full}},
		} {
			slices.Sort(tt.want)
			if diff := cmp.Diff(append([]string{}, tt.want...), found(t, sites, nil, query.Query{Where: tt.where})); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		for name, q := range map[string]query.Query{
			"no value of it":   {Where: has("open", "sun")},
			"SQL":              {Where: has("open", `mon"]' OR 1=1 --`)},
			"equal to a list":  {Where: query.Term{Field: "open", Op: query.Eq, Value: "mon"}},
			"one of several":   {Where: query.Term{Field: "open", Op: query.In, Value: []any{"mon"}}},
			"the start of one": {Where: query.Term{Field: "tags", Op: query.StartsWith, Value: "by"}},
			"order of a list":  {Sort: []query.Sort{{Field: "open"}}},
			"order of a place": {Sort: []query.Sort{{Field: "at"}}},
			"a place, equal":   {Where: query.Term{Field: "at", Op: query.Eq, Value: "x"}},
		} {
			if _, err := sites.FindRows(t.Context(), &q); status(t, err) != http.StatusBadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestTypes_changed: only what differs is a change, and a hook that works on a list
// in its place changes neither the row as it was nor the default.
func TestTypes_changed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sites := newSites(t, db)
		id := fmt.Sprint(members(t, row(sites.CreateRow(t.Context(), []byte(`{"at":{"lat":1,"lng":2},"code":"AB"}`), nil))(t))["id"])
		var told []model.FieldSet
		sites.OnChange(func(_ context.Context, c crud.Changed) { told = append(told, c.Set) })
		for _, body := range []string{`{"open":["tue","mon"],"at":{"lng":2.0,"lat":1}}`, `{"open":["mon","tue"]}`, `{"tags":[]}`, `{"tags":null}`} {
			row(sites.PatchRow(t.Context(), id, []byte(body), nil))(t)
		}
		want := []model.FieldSet{model.Fields(SiteOpen), model.Fields(SiteTags), model.Fields(SiteTags)}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
		sites.Before(authz.Update, func(_ context.Context, ch *crud.Change[Site]) error {
			slices.Reverse(ch.Row.Open)
			*ch.Row.Code += "7"
			if ch.Old.Open[0] != "mon" || *ch.Old.Code != "AB" {
				t.Errorf("the row as it was is %v, %s", ch.Old.Open, *ch.Old.Code)
			}
			return nil
		})
		got := row(sites.PatchRow(t.Context(), id, []byte(`{"tags":["by-foot"]}`), nil))(t)
		if got := string(got.AppendJSON(nil)); !strings.Contains(got, `"open":["tue","mon"]`) || !strings.Contains(got, `"code":"AB7"`) {
			t.Errorf("%s", got)
		}
		sites.Before(authz.Create, func(_ context.Context, ch *crud.Change[Site]) error {
			ch.Row.Open[0] = "w"
			return nil
		})
		for range 2 {
			made := row(sites.CreateRow(t.Context(), []byte(`{"at":{"lat":1,"lng":2}}`), nil))(t)
			var got struct{ Open []string }
			if err := json.Unmarshal(made.AppendJSON(nil), &got); err != nil || !slices.Equal(got.Open, []string{"w", "mon"}) {
				t.Errorf("%v, %v", got.Open, err)
			}
		}
	})
}

func row(r crud.Row, err error) func(testing.TB) crud.Row {
	return func(t testing.TB) crud.Row {
		t.Helper()
		if err != nil {
			t.Fatalf("%v %v", err, problems(err))
		}
		return r
	}
}

// TestTypes_caseInsensitive: a text keeps its spelling, and is found and sorted in
// letters of either case alike, by every operator.
func TestTypes_caseInsensitive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sites := newSites(t, db)
		for _, code := range []string{"bX2", "Ax1", "ay3", "BX1"} {
			if _, err := sites.CreateRow(t.Context(), []byte(`{"at":{"lat":1,"lng":2},"code":"`+code+`"}`), nil); err != nil {
				t.Fatal(err)
			}
		}
		codes := func(where query.Expr) string {
			t.Helper()
			page, err := sites.Find(t.Context(), &query.Query{Where: where, Sort: []query.Sort{{Field: "code"}}})
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, s := range page.Data {
				list = append(list, *s.Code)
			}
			return strings.Join(list, " ")
		}
		term := func(op query.Op, value any) query.Expr { return query.Term{Field: "code", Op: op, Value: value} }
		for _, tt := range []struct {
			where query.Expr
			want  string
		}{
			{nil, "Ax1 ay3 BX1 bX2"},
			{term(query.Eq, "AX1"), "Ax1"},
			{term(query.Ne, "AX1"), "ay3 BX1 bX2"},
			{term(query.In, []any{"bx1", "AY3"}), "ay3 BX1"},
			{term(query.Gt, "AY3"), "BX1 bX2"},
			{term(query.StartsWith, "bx"), "BX1 bX2"},
			{term(query.Contains, "X1"), "Ax1 BX1"},
			{term(query.Like, "ax%"), "Ax1"},
		} {
			if got := codes(tt.where); got != tt.want {
				t.Errorf("%v: %s, want %s", tt.where, got, tt.want)
			}
		}
	})
}
