package design_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatewright/gate/design"
)

// TestDatabase reads both forms, and has the schema take and refuse the same.
func TestDatabase(t *testing.T) {
	schema := compileSchema(t)
	for _, tt := range []struct {
		src  string
		kind design.Database // empty when it is refused
		pool design.Pool
	}{
		{"sqlite", design.SQLite, design.Pool{}},
		{"postgres", design.Postgres, design.Pool{}},
		{"{kind: sqlite}", design.SQLite, design.Pool{}},
		{"{kind: postgres}", design.Postgres, design.Pool{}},
		{"{kind: postgres, maxConns: 20, statementTimeout: 3s}", design.Postgres, design.Pool{MaxConns: 20, StatementTimeout: 3 * time.Second}},
		{"{statementTimeout: 250ms, kind: postgres}", design.Postgres, design.Pool{StatementTimeout: 250 * time.Millisecond}},
		{"{}", "", design.Pool{}},
		{"{maxConns: 20}", "", design.Pool{}},
		{"{kind: sqlite, maxConns: 20}", "", design.Pool{}},
		{"{kind: sqlite, statementTimeout: 3s}", "", design.Pool{}},
		{"{kind: postgres, maxConns: 0}", "", design.Pool{}},
		{"{kind: postgres, maxConns: 10001}", "", design.Pool{}},
		{"{kind: postgres, maxConns: many}", "", design.Pool{}},
		{"{kind: postgres, statementTimeout: 3}", "", design.Pool{}},
		{"{kind: postgres, statementTimeout: -3s}", "", design.Pool{}},
		{"{kind: postgres, statementTimeout: 1.5s}", "", design.Pool{}},
		{"{kind: postgres, statementTimeout: 1h30m}", "", design.Pool{}},
		{"{kind: postgres, statement_timeout: 3s}", "", design.Pool{}},
		{"{kind: mysql}", "", design.Pool{}},
		{"[postgres]", "", design.Pool{}},
	} {
		src := fmt.Sprintf("gate: 1\nservice: {name: shop, module: example.com/shop, database: %s}\n", tt.src)
		d, err := design.Parse("gate.yaml", []byte(src))
		if serr := accepts(t, schema, src); (serr == nil) != (err == nil) {
			t.Errorf("%s: the loader says %v, the schema %v", tt.src, err, serr)
		}
		switch {
		case tt.kind == "" && err == nil:
			t.Errorf("%s: no error", tt.src)
		case tt.kind == "":
		case err != nil:
			t.Errorf("%s: %v", tt.src, err)
		case d.Service.Database != tt.kind || d.Service.Pool != tt.pool:
			t.Errorf("%s: %s, %+v", tt.src, d.Service.Database, d.Service.Pool)
		}
	}
}
