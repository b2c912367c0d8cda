package sqlite

import (
	"errors"
	"strings"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatewright/gate/store"
)

// classify reads an error of the driver.
func classify(err error) store.Problem {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return store.Problem{}
	}
	switch code := e.Code(); code & 0xff { // the rest refines it
	case sqlite3.SQLITE_CONSTRAINT:
		return constraint(code, e.Error())
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return store.Problem{Kind: store.Unavailable, Retry: true}
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
		sqlite3.SQLITE_PERM:
		return store.Problem{Kind: store.Unavailable}
	}
	return store.Problem{}
}

// constraint reads which constraint failed. SQLite says so in English only,
// with names of the schema and no values:
//
//	constraint failed: UNIQUE constraint failed: user.email, user.tenant (2067)
func constraint(code int, text string) store.Problem {
	var kind store.Kind
	var phrase string
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		kind, phrase = store.Unique, "UNIQUE"
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		kind, phrase = store.NotNull, "NOT NULL"
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		kind, phrase = store.Check, "CHECK"
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return store.Problem{Kind: store.ForeignKey}
	case sqlite3.SQLITE_CONSTRAINT_TRIGGER:
		// ON DELETE RESTRICT is a trigger inside.
		if strings.Contains(text, "FOREIGN KEY constraint failed") {
			return store.Problem{Kind: store.ForeignKey}
		}
		return store.Problem{Kind: store.Check}
	default:
		return store.Problem{}
	}
	p := store.Problem{Kind: kind}
	_, names, _ := strings.Cut(text, phrase+" constraint failed: ")
	if i := strings.LastIndex(names, " ("); i >= 0 {
		names = names[:i]
	}
	switch index, isIndex := strings.CutPrefix(names, "index '"); {
	case names == "":
	case isIndex: // an index on an expression has no columns to name
		p.Constraint = strings.TrimSuffix(index, "'")
	case kind == store.Check:
		p.Constraint = names
	default:
		for name := range strings.SplitSeq(names, ", ") {
			dot := strings.LastIndexByte(name, '.')
			p.Table = name[:max(dot, 0)]
			p.Columns = append(p.Columns, name[dot+1:])
		}
	}
	return p
}
