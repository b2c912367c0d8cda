package graphql_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// Site has a list of values, and a place.
type Site struct {
	ID   string
	Tags []string
	At   *model.Geo
}

func (r *Site) pointer(f model.FieldID) any { return []any{&r.ID, &r.Tags, &r.At}[f] }

const siteSDL = `
type Query { site(id: ID!): Site sites(where: SiteWhere): [Site!] }
type Mutation { createSite(input: CreateSiteInput!): Site }
type Site { id: ID! tags: [SiteTags!] at: Geo }
enum SiteTags { by_foot by_car }
input SiteTagsFilter { contains: SiteTags null: Boolean }
input SiteWhere { NOT: SiteWhere tags: SiteTagsFilter }
input CreateSiteInput { tags: [SiteTags!] at: Geo }
scalar Geo
`

// TestTypes writes and reads lists of values and places: names with dashes are
// spelt without on this surface, and stored with them.
func TestTypes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		kind := map[store.Dialect]string{store.SQLite: "text", store.Postgres: "jsonb"}[db.Dialect()]
		if _, err := db.Exec(t.Context(), `CREATE TABLE sites (id text PRIMARY KEY, tags `+kind+`, at `+kind+`)`); err != nil {
			t.Fatal(err)
		}
		policy, err := authz.NewPolicy(nil)
		if err != nil {
			t.Fatal(err)
		}
		public := []string{"public"}
		sites := newResource(t, db, policy, &model.Entity{
			Name: "Site", Plural: "Sites", Path: "sites", Table: "sites",
			Fields: []model.Field{
				{Name: "id", Column: "id", Type: model.ID, ID: model.CUID2, Required: true},
				{Name: "tags", Column: "tags", Type: model.MultiEnum, Values: []string{"by-foot", "by-car"}},
				{Name: "at", Column: "at", Type: model.GeoType},
			},
			Allow: model.Allow{View: public, List: public, Create: public},
		}, (*Site).pointer)
		if err := crud.Link(sites); err != nil {
			t.Fatal(err)
		}
		s := &shop{}
		if s.api, err = graphql.New(graphql.Config{SDL: siteSDL, Entities: []crud.Service{sites}}); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct{ doc, variables, want string }{
			{`mutation { it: createSite(input: {tags: [by_car, by_foot], at: {lat: 48.25, lng: -16}}) { tags at } }`, `{}`, `{"data":{"it":{"tags":["by_car","by_foot"],"at":{"lat":48.25,"lng":-16}}}}`},
			{`mutation($in: CreateSiteInput!) { it: createSite(input: $in) { tags at } }`, `{"in":{"tags":["by_foot"],"at":{"lng":180,"lat":-0.0}}}`, `{"data":{"it":{"tags":["by_foot"],"at":{"lat":0,"lng":180}}}}`},
			{`mutation { it: createSite(input: {tags: by_car}) { tags at } }`, `{}`, `{"data":{"it":{"tags":["by_car"],"at":null}}}`},
			{`mutation { it: createSite(input: {tags: [by_car, by_car]}) { tags } }`, `{}`, `"code":"format"`},
			{`mutation { it: createSite(input: {at: {lat: 1e308, lng: 0}}) { tags } }`, `{}`, `"code":"too_large"`},
			{`mutation { it: createSite(input: {at: {lat: 1, lng: 0, lat: 2}}) { tags } }`, `{}`, `"errors"`},
			{`mutation { it: createSite(input: {at: "1,2"}) { tags } }`, `{}`, `"code":"type"`},
			{`mutation($in: CreateSiteInput!) { it: createSite(input: $in) { tags } }`, `{"in":{"tags":["by-car"]}}`, `"BAD_USER_INPUT"`},
			{`{ sites(where: {NOT: {tags: {contains: by_car}}}) { tags } }`, `{}`, `{"data":{"sites":[{"tags":["by_foot"]}]}}`},
			{`query($v: SiteTags) { sites(where: {NOT: {tags: {contains: $v}}}) { tags } }`, `{"v":"by_foot"}`, `{"data":{"sites":[{"tags":["by_car"]}]}}`},
			{`{ sites(where: {tags: {contains: by}}) { tags } }`, `{}`, `"errors"`},
			{`{ sites(where: {tags: {null: true}}) { tags } }`, `{}`, `{"data":{"sites":[]}}`},
		} {
			body, err := json.Marshal(map[string]any{"query": tt.doc, "variables": json.RawMessage(tt.variables)})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.send(t, nil, "application/json", string(body)); !strings.Contains(got.text, tt.want) {
				t.Errorf("%s %s: %s", tt.doc, tt.variables, got.text)
			}
		}
	})
}
