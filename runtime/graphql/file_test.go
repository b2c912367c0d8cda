package graphql_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/storetest"
)

// Paper has a file.
type Paper struct {
	ID   string
	Scan *model.File
}

func (r *Paper) pointer(f model.FieldID) any { return []any{&r.ID, &r.Scan}[f] }

// TestFile_address: a file says where it is to whoever reads the id of its row, and to
// nobody else.
func TestFile_address(t *testing.T) {
	db := storetest.SQLite(t)
	for _, stmt := range []string{
		`CREATE TABLE papers (id text PRIMARY KEY, scan text)`,
		`CREATE TABLE papers_files (file text, part integer, row_id text, data blob)`,
		`INSERT INTO papers VALUES ('tz4a98xxat96iws9zmbrgj3a', '{"name":"a","size":1,"type":"text/plain","sha256":"00","key":"k"}')`,
	} {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		view   []string // who reads the id
		prefix string
		want   string
	}{
		"elsewhere": {nil, "/v2", `"url":"/v2/papers/tz4a98xxat96iws9zmbrgj3a/scan"`},
		"everybody": {nil, "", `"url":"/api/papers/tz4a98xxat96iws9zmbrgj3a/scan"`},
		"editors":   {[]string{"editor"}, "", `"url":null`},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := authz.NewPolicy([]authz.Role{{Name: "editor"}})
			if err != nil {
				t.Fatal(err)
			}
			papers := newResource(t, db, policy, &model.Entity{
				Name: "Paper", Plural: "Papers", Path: "papers", Table: "papers",
				Fields: []model.Field{
					{Name: "id", Column: "id", Type: model.ID, ID: model.CUID2, Required: true, View: tt.view},
					{Name: "scan", Column: "scan", Type: model.FileType, Segment: "scan", MaxSize: 10},
				},
				Allow: model.Allow{View: []string{"public"}, List: []string{"public"}},
			}, (*Paper).pointer)
			if err := crud.Link(papers); err != nil {
				t.Fatal(err)
			}
			s := &shop{}
			if s.api, err = graphql.New(graphql.Config{Prefix: tt.prefix, SDL: "type Query { papers: [Paper!] }\ntype Paper { scan: File }\nscalar File", Entities: []crud.Service{papers}}); err != nil {
				t.Fatal(err)
			}
			if got := s.send(t, nil, "application/json", `{"query":"{ papers { scan } }"}`); !strings.Contains(got.text, tt.want) {
				t.Errorf("%s, want %s", got.text, tt.want)
			}
		})
	}
}
