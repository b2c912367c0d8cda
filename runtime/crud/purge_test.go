package crud_test

import (
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

type leaf struct {
	ID     int64
	RackID int64
	Text   string
}

func (r *leaf) pointer(f model.FieldID) any { return []any{&r.ID, &r.RackID, &r.Text}[f] }

// A tag is kept when it is deleted, and its leaf with it.
type tag struct {
	ID        int64
	LeafID    *int64
	DeletedAt *time.Time
}

func (r *tag) pointer(f model.FieldID) any { return []any{&r.ID, &r.LeafID, &r.DeletedAt}[f] }

// TestPurge: what goes with a row is not read for its sake, save the keys where
// deleted rows may be in the way, and of callers at most as many as may be.
func TestPurge(t *testing.T) {
	const most = 8 << 20 // bytes; the leaves have 20 MiB, save in the last case
	for name, tt := range map[string]struct {
		on     model.OnDelete // of the tags
		leaves string
		bytes  string // of each, half of them
		status int
	}{
		"nothing in the way":      {model.Cascade, "500", "20000", http.StatusOK},
		"what is let go":          {model.SetNull, "500", "20000", http.StatusOK},
		"deleted rows in the way": {model.Restrict, "500", "20000", http.StatusOK},
		"too many to look at":     {model.Restrict, "10001", "1", http.StatusConflict},
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.SQLite(t)
			s := newShop(t, db)
			on := map[model.OnDelete]string{model.Cascade: "CASCADE", model.SetNull: "SET NULL", model.Restrict: "RESTRICT"}[tt.on]
			run(t, db, `CREATE TABLE racks (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
CREATE TABLE leaves (id INTEGER PRIMARY KEY AUTOINCREMENT, rack_id BIGINT NOT NULL REFERENCES racks (id) ON DELETE CASCADE, text TEXT NOT NULL);
CREATE INDEX leaves_rack ON leaves (rack_id);
CREATE TABLE tags (id INTEGER PRIMARY KEY AUTOINCREMENT, leaf_id BIGINT REFERENCES leaves (id) ON DELETE `+on+`, deleted_at TEXT);
CREATE INDEX tags_leaf ON tags (leaf_id);
INSERT INTO racks (id, name) VALUES (1, 'a');
INSERT INTO leaves (rack_id, text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < `+tt.leaves+`) SELECT 1, hex(zeroblob(`+tt.bytes+`)) FROM c;
INSERT INTO tags (leaf_id, deleted_at) VALUES (1, '2026-01-01T00:00:00.000000Z'), (`+tt.leaves+`, '2026-01-01T00:00:00.000000Z')`)
			racks := newResource(t, db, s.policy, &model.Entity{
				Name: "Rack", Plural: "Racks", Path: "racks", Table: "racks", Allow: stockRules(),
				Fields: []model.Field{serial(), {Name: "name", Column: "name", Type: model.Text, MaxLength: 50}},
			}, (*Shelf).pointer)
			leaves := newResource(t, db, s.policy, &model.Entity{
				Name: "Leaf", Plural: "Leaves", Path: "leaves", Table: "leaves", Allow: stockRules(),
				Fields: []model.Field{
					serial(), pointer("rackId", "rack_id", "Rack", model.Cascade, true),
					{Name: "text", Column: "text", Type: model.LongText, Required: true},
				},
			}, (*leaf).pointer)
			tags := newResource(t, db, s.policy, &model.Entity{
				Name: "Tag", Plural: "Tags", Path: "tags", Table: "tags", SoftDelete: "deletedAt", Allow: stockRules(),
				Fields: []model.Field{serial(), pointer("leafId", "leaf_id", "Leaf", tt.on, false), deletedAt()},
			}, (*tag).pointer)
			if err := crud.Link(s.users, s.items, s.orders, racks, leaves, tags); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := racks.RemoveRow(as(t, s.max), "1", nil)
			if got := status(t, err); got != tt.status {
				t.Errorf("%d, want %d: %v", got, tt.status, err)
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > most {
				t.Errorf("%d bytes were allocated", n)
			}
			if tt.status != http.StatusOK {
				if n := rowsOf(t, db, "tags"); n != 2 {
					t.Errorf("refused, and %d tags are left", n)
				}
				return
			}
			want := int64(0)
			if tt.on == model.SetNull {
				want = 2
			}
			if n := rowsOf(t, db, "leaves"); n != 0 {
				t.Errorf("%d leaves are left", n)
			}
			if n := rowsOf(t, db, "tags"); n != want {
				t.Errorf("%d tags are left, want %d", n, want)
			}
		})
	}
}

func rowsOf(t *testing.T, db *store.DB, table string) (n int64) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
