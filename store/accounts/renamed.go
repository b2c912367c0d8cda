package accounts

import (
	"context"
	"database/sql"
	"fmt"
	"unicode/utf8"

	"github.com/gatewright/gate/store"
)

// kept are the tables that name the entity of an account and its subject.
var kept = []string{"gate_sessions", "gate_tokens", "gate_api_keys", "gate_verified"}

// RenameEntity hands what is kept of the accounts of one entity to another one, whose
// rows they are by now. What that one has already stays.
func RenameEntity(ctx context.Context, db *store.DB, from, to string) error {
	return rename(ctx, db, func(table string) (string, []any) {
		return "UPDATE " + table + " AS k SET entity = $2 WHERE entity = $1" + unless(table, "o.entity = $2 AND o.subject = k.subject"), []any{from, to}
	})
}

// RenameSubjects gives subjects that start with one text another one in its place.
func RenameSubjects(ctx context.Context, db *store.DB, from, to string) error {
	n := utf8.RuneCountInString(from)
	return rename(ctx, db, func(table string) (string, []any) {
		next := fmt.Sprintf("CAST($2 AS TEXT) || substr(subject, %d)", n+1)
		return fmt.Sprintf("UPDATE %s AS k SET subject = %s WHERE substr(subject, 1, %d) = $1", table, next, n) +
			unless(table, fmt.Sprintf("o.entity = k.entity AND o.subject = CAST($2 AS TEXT) || substr(k.subject, %d)", n+1)), []any{from, to}
	})
}

// unless leaves out rows whose place is taken, in the table that has one of each.
func unless(table, taken string) string {
	if table != "gate_verified" {
		return ""
	}
	return " AND NOT EXISTS (SELECT 1 FROM gate_verified AS o WHERE " + taken + ")"
}

func rename(ctx context.Context, db *store.DB, statement func(table string) (string, []any)) error {
	err := db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, table := range kept {
			query, args := statement(table)
			if _, err := tx.ExecContext(ctx, query, args...); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("accounts of an entity that was renamed: %w", err)
	}
	return nil
}
