package migration_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// plan returns how the database finds the items of a filter of the service.
func (h *history) plan(e *model.Entity, where query.Expr) string {
	h.Helper()
	plan, err := query.Resolve(e, &query.Query{Where: where}, e.All(), e.All(), nil)
	if err != nil {
		h.Fatal(err)
	}
	var s query.Statement
	query.NewCompiler(h.db.Dialect(), e).Page(&s, plan, query.Filter{}, plan.Select)
	conn, err := h.db.Read().Conn(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	defer conn.Close()
	explain, ready := "EXPLAIN QUERY PLAN ", "SELECT count(*) FROM items" // EXPLAIN does not see that the schema changed
	if h.db.Dialect() == store.Postgres {
		explain, ready = "EXPLAIN ", "SET enable_seqscan = off" // of a table without rows it would read all
	}
	if _, err := conn.ExecContext(h.Context(), ready); err != nil {
		h.Fatal(err)
	}
	rows, err := conn.QueryContext(h.Context(), explain+string(s.SQL), s.Args...)
	if err != nil {
		h.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		h.Fatal(err)
	}
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(any)
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			h.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(*into[len(into)-1].(*any)))
	}
	if rows.Err() != nil {
		h.Fatal(rows.Err())
	}
	return strings.Join(lines, "\n")
}

// TestCaseInsensitive_index: what the service looks for without case is found by the
// index, which is replaced once the case does not count.
func TestCaseInsensitive_index(t *testing.T) {
	each(t, func(h *history) {
		item := func(more string) string {
			return "  Item: {indexes: [shelf, [box, code]], fields: {shelf: {type: text" + more + "}, code: {type: text" + more + "}, box: {type: integer, required: true}}}\n"
		}
		e := &model.Entity{Name: "Item", Path: "items", Table: "items", Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "shelf", Column: "shelf", Type: model.Text},
			{Name: "code", Column: "code", Type: model.Text},
			{Name: "box", Column: "box", Type: model.Integer, Required: true},
		}}
		if err := e.Check(); err != nil {
			h.Fatal(err)
		}
		// finds matches the columns by which an index finds the rows, in the words of either database.
		finds := regexp.MustCompile(`(?:SEARCH t0 USING INDEX \S+|Index Cond:) \((.*)\)`)
		used := func() {
			h.Helper()
			for field, others := range map[string][]query.Expr{"shelf": nil, "code": {query.Term{Field: "box", Op: query.Eq, Value: "1"}}} {
				where := append(query.And(others), query.Term{Field: field, Op: query.Eq, Value: "Top"})
				plan := h.plan(e, where)
				if found := finds.FindStringSubmatch(plan); found == nil || !strings.Contains(found[1], field) {
					h.Errorf("%s is looked for by\n%s", field, plan)
				}
			}
		}
		h.to(item(""))
		used()
		e.Fields[1].CaseInsensitive, e.Fields[2].CaseInsensitive = true, true
		h.to(item(", caseInsensitive: true"))
		used()
		if len(h.steps) != 2 {
			h.Fatal(h.steps)
		}
		if h.steps[1].Down == "" || strings.Contains(h.steps[1].SQL, "TABLE \"new_") {
			h.Fatalf("%s\n%s", h.steps[1].SQL, h.steps[1].Down)
		}
		h.to(item(", caseInsensitive: true"))
		if len(h.steps) != 2 {
			h.Errorf("nothing changed: %+v", h.steps)
		}
	})
}
